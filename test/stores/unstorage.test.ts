import { describe, expect, it } from 'vitest'
import { type UnstorageClient, unstorageStore } from '../../src/stores/unstorage.ts'
import { testClock } from './clock.ts'
import { storeContract } from './contract.ts'

/** A storage with unstorage's documented habits: it rewrites keys, and parses text that looks like JSON. */
function fakeStorage(): UnstorageClient & { readonly names: () => string[] } {
  const items = new Map<string, string>()
  const normalize = (key: string) =>
    (key.split('?')[0] ?? '').replace(/[/\\]/g, ':').replace(/:+/g, ':').replace(/^:|:$/g, '')
  return {
    names: () => [...items.keys()],
    async getItem(key) {
      const text = items.get(normalize(key))
      if (text === undefined) return null
      return /^\s*["[{]|^-?\d+$|^(?:true|false|null)$/.test(text) ? JSON.parse(text) : text
    },
    async setItem(key, value) {
      items.set(normalize(key), value)
    },
    async removeItem(key) {
      items.delete(normalize(key))
    },
    async getKeys(base = '') {
      const folder = normalize(base) === '' ? '' : `${normalize(base)}:`
      return [...items.keys()].filter((key) => key.startsWith(folder) && !key.endsWith('$'))
    },
  }
}

storeContract('unstorage', async () => {
  const { now, advance } = testClock()
  return { store: unstorageStore({ storage: fakeStorage(), now }), advance }
})

describe('a store in unstorage', () => {
  it('never makes one key the folder of another, which a file driver could not write', async () => {
    const storage = fakeStorage()
    const store = unstorageStore({ storage, now: () => 0 })
    for (const key of ['a', 'a/b', 'a/b/c', 'a/']) await store.put(key, 1)
    const names = storage.names()
    for (const name of names)
      expect(names.filter((other) => other.startsWith(`${name}:`))).toEqual([])
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_:-]+$/)
  })

  it('ignores other data in the storage', async () => {
    const storage = fakeStorage()
    await storage.setItem('cfile:notes', 'hello')
    await storage.setItem('other:x_', 'hello')
    const store = unstorageStore({ storage, now: () => 0 })
    await store.put('x', 1)
    expect(await store.list('')).toEqual([{ key: 'x', value: 1 }])
  })
})

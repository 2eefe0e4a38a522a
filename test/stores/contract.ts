/** Tests that every store must pass. */

import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Json, Store } from '../../src/stores/store.ts'
import { rounds } from '../lib/rounds.ts'

/** A store under test. */
export interface OpenedStore {
  readonly store: Store
  /** Moves the store's clock. Without it the engine's own clock runs and the tests wait. */
  advance?(seconds: number): void
}

/** Runs the suite on the store that `open` returns. Existing content does not matter. */
export function storeContract(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name} as a store`, () => {
    let store: Store
    let pass: (seconds: number) => Promise<void>
    let folders = 0
    // The engine may contain data of an earlier run.
    const run = crypto.randomUUID()

    /** A prefix that no other test uses. */
    const freshFolder = (): string => {
      folders += 1
      return `contract/${run}/${folders}/`
    }
    const keysOf = async (...args: Parameters<Store['list']>): Promise<string[]> =>
      (await store.list(...args)).map(({ key }) => key)

    beforeAll(async () => {
      const opened = await open()
      store = opened.store
      pass = async (seconds) => {
        if (opened.advance) opened.advance(seconds)
        else await new Promise((resolve) => setTimeout(resolve, seconds * 1000 + 50))
      }
    })

    it('stores, replaces and deletes a value', async () => {
      const key = `${freshFolder()}file`
      expect(await store.get(key)).toBeUndefined()
      expect(await store.put(key, { bytes: 1 })).toBe(true)
      expect(await store.get(key)).toEqual({ bytes: 1 })
      expect(await store.put(key, { bytes: 2 })).toBe(true)
      expect(await store.get(key)).toEqual({ bytes: 2 })
      await store.delete(key)
      expect(await store.get(key)).toBeUndefined()
    })

    it('deletes an absent key without an error', async () => {
      await expect(store.delete(`${freshFolder()}never`)).resolves.toBeUndefined()
    })

    it('returns every JSON value unchanged', async () => {
      const key = `${freshFolder()}value`
      const values: Json[] = [
        null,
        true,
        false,
        0,
        -1.5e-7,
        9_007_199_254_740_991,
        1.7976931348623157e308,
        '',
        'v1 stays {}',
        '"quoted" \\ and \u0000 \u2028 lines\r\n',
        'Überblick – 数据 📊.xlsx',
        '12',
        'null',
        [],
        {},
        [null, [1, [2, { a: [] }]]],
        { '': null, 'a.b': { c: [true] }, $set: 1, constructor: 2, ключ: '✓' },
        JSON.parse('{"__proto__":{"x":1}}'),
      ]
      for (const value of values) {
        await store.put(key, value)
        expect(JSON.stringify(await store.get(key))).toBe(JSON.stringify(value))
        expect(JSON.stringify((await store.list(key))[0]?.value)).toBe(JSON.stringify(value))
      }
    })

    it('returns any generated JSON value unchanged', async () => {
      const key = `${freshFolder()}any`
      const property = fc.asyncProperty(fc.jsonValue({ depthSize: 'small' }), async (value) => {
        const text = JSON.stringify(value)
        await store.put(key, JSON.parse(text))
        expect(JSON.stringify(await store.get(key))).toBe(text)
      })
      await fc.assert(property, { seed: 1, numRuns: rounds(20) })
    })

    it('keeps a value of 100 KB', async () => {
      const key = `${freshFolder()}large`
      const value = { text: 'ä€😀'.repeat(100_000 / 9) }
      await store.put(key, value)
      expect(await store.get(key)).toEqual(value)
      expect(await store.list(key)).toEqual([{ key, value }])
    })

    it('is independent of later changes by the caller, in both directions', async () => {
      const key = `${freshFolder()}mine`
      const value = { names: ['a'] }
      await store.put(key, value)
      value.names.push('b')
      const read = (await store.get(key)) as { names: string[] }
      read.names.push('c')
      expect(await store.get(key)).toEqual({ names: ['a'] })
    })

    it('accepts keys of up to 400 bytes of any printable ASCII', async () => {
      const folder = freshFolder()
      const printable = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => i + 32))
      const keys = [folder.padEnd(400, 'k'), `${folder}${printable}`, `${folder}a//b/../.`, folder]
      for (const key of keys) await store.put(key, key)
      for (const key of keys) expect(await store.get(key)).toBe(key)
      expect(await keysOf(folder)).toEqual(keys.toSorted())
    })

    it('distinguishes similar keys', async () => {
      const folder = freshFolder()
      const keys = ['a', 'A', 'a/', 'a/b', 'a:b', 'a_b', 'a%2Fb', 'a b', 'a?', 'a$', 'a.', '/a']
      for (const key of keys) await store.put(folder + key, key)
      for (const key of keys) expect(await store.get(folder + key)).toBe(key)
      expect(await keysOf(folder)).toEqual(keys.map((key) => folder + key).toSorted())
    })

    it('lists one container and not another whose id has the same beginning', async () => {
      const folder = freshFolder()
      for (const key of ['a/1', 'a/1/x', 'a/1/y', 'a/10/x', 'a/2/x', 'b/1/x'])
        await store.put(folder + key, key)
      expect(await keysOf(`${folder}a/1/`)).toEqual([`${folder}a/1/x`, `${folder}a/1/y`])
      expect(await keysOf(`${folder}a/1`)).toHaveLength(4)
      expect(await keysOf(`${folder}c`)).toEqual([])
    })

    it.each(['%', '_', '*', '?', '[a-z]', '\\', "'", '"', '^', '{cfile}:'])(
      'reads %s in a key literally',
      async (mark) => {
        const folder = freshFolder()
        await store.put(`${folder}x${mark}y`, 1)
        await store.put(`${folder}xay`, 2)
        await store.put(`${folder}xaay`, 3)
        expect(await store.list(`${folder}x${mark}`)).toEqual([
          { key: `${folder}x${mark}y`, value: 1 },
        ])
        expect(await store.get(`${folder}x${mark}y`)).toBe(1)
      },
    )

    it('lists in key order, page by page, without duplicates', async () => {
      const folder = freshFolder()
      const names = Array.from({ length: 25 }, (_, index) => `${index % 2 ? 'n' : 'N'}${index}`)
      await Promise.all(names.map((name, index) => store.put(folder + name, index)))
      const all = names.map((name) => folder + name).toSorted()
      expect(await keysOf(folder)).toEqual(all)

      const seen: string[] = []
      for (let after: string | undefined; ; after = seen.at(-1)) {
        const page = await keysOf(folder, { after, limit: 7 })
        expect(page.length).toBeLessThanOrEqual(7)
        if (page.length === 0) break
        seen.push(...page)
      }
      expect(seen).toEqual(all)
    })

    it('continues after a key that was deleted between two pages', async () => {
      const folder = freshFolder()
      for (const name of ['a', 'b', 'c', 'd']) await store.put(folder + name, name)
      const [first] = await store.list(folder, { limit: 2, after: `${folder}a` })
      await store.delete(`${folder}b`)
      expect(first?.key).toBe(`${folder}b`)
      expect(await keysOf(folder, { after: `${folder}b`, limit: 1 })).toEqual([`${folder}c`])
    })

    it('lists from the beginning of the prefix if the page begins before it', async () => {
      const folder = freshFolder()
      await store.put(`${folder}m/1`, 1)
      await store.put(`${folder}n/1`, 1)
      expect(await keysOf(`${folder}m/`, { after: `${folder}a` })).toEqual([`${folder}m/1`])
      expect(await keysOf(`${folder}m/`, { after: `${folder}z` })).toEqual([])
    })

    it('lists 100 entries by default, and up to 1000 on request', async () => {
      const folder = freshFolder()
      const names = Array.from({ length: 120 }, (_, index) => String(1000 + index))
      await Promise.all(names.map((name) => store.put(folder + name, 0)))
      expect(await store.list(folder)).toHaveLength(100)
      expect(await store.list(folder, { limit: 1000 })).toHaveLength(120)
    })

    it('removes a value when its lifetime ends, not earlier, and keeps others', async () => {
      const folder = freshFolder()
      await store.put(`${folder}short`, 1, { ttl: 1 })
      await store.put(`${folder}long`, 2, { ttl: 3600 })
      await store.put(`${folder}ever`, 3)
      expect(await keysOf(folder)).toHaveLength(3)
      await pass(1)
      expect(await store.get(`${folder}short`)).toBeUndefined()
      expect(await store.list(folder)).toEqual([
        { key: `${folder}ever`, value: 3 },
        { key: `${folder}long`, value: 2 },
      ])
    })

    it('fills a page although values in it have expired', async () => {
      const folder = freshFolder()
      for (let index = 10; index < 20; index += 1)
        await store.put(`${folder}${index}`, index, index % 3 === 0 ? {} : { ttl: 1 })
      await pass(1)
      expect(await keysOf(folder, { limit: 2 })).toEqual([`${folder}12`, `${folder}15`])
      expect(await keysOf(folder, { limit: 2, after: `${folder}15` })).toEqual([`${folder}18`])
    })

    it('gives a rewritten value the new lifetime: longer, shorter or none', async () => {
      const folder = freshFolder()
      for (const name of ['longer', 'none']) await store.put(folder + name, 1, { ttl: 1 })
      await store.put(`${folder}shorter`, 1)
      await store.put(`${folder}longer`, 2, { ttl: 3600 })
      await store.put(`${folder}none`, 2)
      await store.put(`${folder}shorter`, 2, { ttl: 1 })
      await pass(1)
      expect(await keysOf(folder)).toEqual([`${folder}longer`, `${folder}none`])
    })

    it('lets one client claim a free key, and keeps the first value', async () => {
      const key = `${freshFolder()}lease`
      expect(await store.put(key, 'first', { ifAbsent: true, ttl: 3600 })).toBe(true)
      expect(await store.put(key, 'second', { ifAbsent: true, ttl: 3600 })).toBe(false)
      expect(await store.get(key)).toBe('first')
    })

    it('lets another client claim a key that was deleted or has expired', async () => {
      const folder = freshFolder()
      await store.put(`${folder}back`, 1, { ifAbsent: true })
      await store.put(`${folder}over`, 1, { ifAbsent: true, ttl: 1 })
      await store.delete(`${folder}back`)
      await pass(1)
      expect(await store.put(`${folder}back`, 2, { ifAbsent: true })).toBe(true)
      expect(await store.put(`${folder}over`, 2, { ifAbsent: true, ttl: 3600 })).toBe(true)
      expect(await store.put(`${folder}over`, 3, { ifAbsent: true })).toBe(false)
      expect(await store.get(`${folder}over`)).toBe(2)
    })

    it('treats null as a value', async () => {
      const key = `${freshFolder()}null`
      await store.put(key, null)
      expect(await store.put(key, 1, { ifAbsent: true })).toBe(false)
      expect(await store.get(key)).toBeNull()
      expect(await store.list(key)).toEqual([{ key, value: null }])
    })

    it('gives a key to exactly one of fifty simultaneous claims', async () => {
      const key = `${freshFolder()}claim`
      const claims = Array.from({ length: 50 }, (_, index) =>
        store.put(key, index, { ifAbsent: true, ttl: 3600 }),
      )
      const won = (await Promise.all(claims)).flatMap((isWon, index) => (isWon ? [index] : []))
      expect(won).toHaveLength(1)
      expect(await store.get(key)).toBe(won[0])
    })

    it('behaves like a sorted map in any sequence of operations', async () => {
      const name = fc.stringMatching(/^[a-c%_*/]{0,3}$/)
      const step = fc.oneof(
        fc.record({ do: fc.constant('put' as const), name, value: fc.integer() }),
        fc.record({ do: fc.constant('claim' as const), name, value: fc.integer() }),
        fc.record({ do: fc.constant('delete' as const), name }),
        fc.record({
          do: fc.constant('list' as const),
          name,
          after: name,
          limit: fc.integer({ min: 1, max: 4 }),
        }),
      )
      const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const folder = freshFolder()
        const model = new Map<string, number>()
        for (const taken of steps) {
          const key = folder + taken.name
          if (taken.do === 'put') {
            await store.put(key, taken.value)
            model.set(key, taken.value)
          } else if (taken.do === 'claim') {
            const won = await store.put(key, taken.value, { ifAbsent: true })
            expect(won).toBe(!model.has(key))
            if (won) model.set(key, taken.value)
          } else if (taken.do === 'delete') {
            await store.delete(key)
            model.delete(key)
          } else {
            const after = folder + taken.after
            const expected = [...model]
              .map(([key, value]) => ({ key, value }))
              .filter((entry) => entry.key.startsWith(key) && entry.key > after)
              .toSorted((a, b) => (a.key < b.key ? -1 : 1))
              .slice(0, taken.limit)
            expect(await store.list(key, { after, limit: taken.limit })).toEqual(expected)
          }
        }
      })
      await fc.assert(property, { seed: 1, numRuns: rounds(15) })
    })
  })
}

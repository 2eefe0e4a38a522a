import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/stores/memory.ts'
import { testClock } from './clock.ts'
import { storeContract } from './contract.ts'

storeContract('memory', async () => {
  const { now, advance } = testClock()
  return { store: memoryStore({ now }), advance }
})

describe('a memory store', () => {
  it('forgets the oldest rather than grow for ever', async () => {
    const store = memoryStore({ now: () => 0, maxEntries: 2 })
    for (const key of ['a', 'b', 'a', 'c']) await store.put(key, key)
    expect(await store.list('')).toEqual([
      { key: 'a', value: 'a' },
      { key: 'c', value: 'c' },
    ])
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSortedKeys, memoryStore } from '../../src/stores/memory.ts'
import type { Store } from '../../src/stores/store.ts'
import { rounds } from '../lib/rounds.ts'
import { testClock } from './clock.ts'
import { storeContract } from './contract.ts'

storeContract('memory', async () => {
  const { now, advance } = testClock()
  return { store: memoryStore({ now }), advance }
})

describe('a memory store', () => {
  it('removes the oldest values instead of growing without limit', async () => {
    const store = memoryStore({ now: () => 0, maxEntries: 2 })
    for (const key of ['a', 'b', 'a', 'c']) await store.put(key, key)
    expect(await store.list('')).toEqual([
      { key: 'a', value: 'a' },
      { key: 'c', value: 'c' },
    ])
  })

  it('lists a few entries among 50,000 others nearly as fast as among ten', async () => {
    const [small, large] = await Promise.all([filled(10), filled(50_000)])
    expect(await large.list('copy/')).toHaveLength(3)
    // A list that reads every key would take a thousand times as long.
    expect(await msOf(large)).toBeLessThan(30 * (await msOf(small)) + 20)
  })

  it('removes expired values when it lists, and lists the others', async () => {
    const { now, advance } = testClock()
    const store = memoryStore({ now })
    for (let index = 0; index < 1000; index += 1) {
      await store.put(`copy/${index}`, index, index % 2 ? {} : { ttl: 5 })
    }
    advance(10)
    expect(await store.list('copy/', { limit: 1000 })).toHaveLength(500)
    expect(await store.list('copy/', { limit: 1000 })).toHaveLength(500)
    expect(await store.put('copy/2', 1, { ifAbsent: true })).toBe(true)
    expect((await store.list('copy/2', { limit: 1 }))[0]?.key).toBe('copy/2')
  })
})

async function filled(files: number): Promise<Store> {
  const store = memoryStore({ now: () => 0 })
  for (let index = 0; index < files; index += 1) await store.put(`file/${index}/anyone`, index)
  for (const id of ['a', 'b', 'c']) await store.put(`copy/${id}`, id)
  return store
}

/** The time of 200 lists of three entries, in milliseconds. */
async function msOf(store: Store): Promise<number> {
  const started = performance.now()
  for (let times = 0; times < 200; times += 1) await store.list('copy/')
  return performance.now() - started
}

it('keeps keys in order through many additions and removals', () => {
  const key = fc.stringMatching(/^[a-d]{1,5}$/)
  const step = fc.record({ key, isAdded: fc.boolean() })
  const property = fc.property(fc.array(step, { minLength: 500, maxLength: 3000 }), key, check)
  fc.assert(property, { seed: 1, numRuns: rounds(20) })
})

it('keeps keys in order when many are added at one place and all are removed', () => {
  const up = Array.from({ length: 2000 }, (_, index) => String(10_000 + index))
  const added = [...up, ...up.toReversed().map((key) => `${key}x`)]
  check(
    [...added, ...added].map((key, index) => ({ key, isAdded: index < added.length })),
    '10500',
  )
})

/** Applies the same changes to a plain set, and compares after every hundredth step. */
function check(steps: readonly { key: string; isAdded: boolean }[], first: string): void {
  const keys = createSortedKeys()
  const model = new Set<string>()
  steps.forEach(({ key, isAdded }, index) => {
    if (!isAdded) keys.remove(key)
    else if (!model.has(key)) keys.add(key)
    if (isAdded) model.add(key)
    else model.delete(key)
    if (index % 100 !== 0 && index < steps.length - 1) return
    expect([...keys.from('')]).toEqual([...model].sort())
    expect([...keys.from(first)]).toEqual([...model].filter((one) => one >= first).sort())
  })
}

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createSortedKeys } from '../../src/core/sorted-keys.ts'
import { rounds } from '../lib/rounds.ts'

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

import { expect, it } from 'vitest'
import { once } from '../../src/core/once.ts'

it('makes the value at the first use and never again, also when it is undefined', () => {
  let times = 0
  const value = once(() => {
    times += 1
    return undefined
  })
  expect(times).toBe(0)
  expect([value(), value(), times]).toEqual([undefined, undefined, 1])
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMeter } from '../../src/gateway/limits.ts'
import { rounds } from '../lib/rounds.ts'

describe('createMeter', () => {
  it('gives each name an allowance of its own, which refills evenly', () => {
    let time = 1000
    const meter = createMeter(3, 60, () => time)
    for (let taken = 0; taken < 3; taken += 1) {
      expect(meter.wait('ann')).toBe(0)
      meter.take('ann', 1)
    }
    expect([meter.wait('ann'), meter.wait('bob')]).toEqual([20, 0])
    time += 19
    expect(meter.wait('ann')).toBe(1)
    time += 1
    expect(meter.wait('ann')).toBe(0)
  })

  it('gives no name more than the allowance and its refill, and never announces a wait that is too short', () => {
    const step = fc.record({ seconds: fc.nat(50), tries: fc.nat(30) })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(step, { maxLength: 30 }),
        (limit, steps) => {
          let time = 0
          const meter = createMeter(limit, 60, () => time)
          let taken = 0
          for (const { seconds, tries } of steps) {
            time += seconds
            for (let tried = 0; tried < tries && meter.wait('a') === 0; tried += 1) {
              meter.take('a', 1)
              taken += 1
            }
            expect(taken).toBeLessThanOrEqual(limit + (time * limit) / 60 + 1e-6)
            time += meter.wait('a')
            expect(meter.wait('a')).toBe(0)
          }
        },
      ),
      { seed: 1, numRuns: rounds(200) },
    )
  })

  it('refills a debt before it allows more', () => {
    let time = 0
    const meter = createMeter(100, 100, () => time)
    meter.take('ann', 250)
    expect(meter.wait('ann')).toBe(151)
    time = 151
    expect(meter.wait('ann')).toBe(0)
  })

  it('drops the least recently used name instead of filling the memory', () => {
    const meter = createMeter(1, 60, () => 0)
    for (let name = 0; name < 10_001; name += 1) meter.take(String(name), 1)
    expect([meter.wait('0'), meter.wait('1'), meter.wait('10000')]).toEqual([0, 60, 60])
  })
})

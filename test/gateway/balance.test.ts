import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBalance } from '../../src/gateway/balance.ts'
import { rounds } from '../lib/rounds.ts'

interface Region {
  readonly name: string
  readonly weight: number
}

function open() {
  const clock = { time: 1000 }
  const balance = createBalance(() => clock.time)
  const fail = (member: Region, times: number) => {
    for (let index = 0; index < times; index += 1) {
      const turn = balance.begin(member)
      turn.setHealth(false)
      turn.end()
    }
  }
  const first = (members: readonly Region[]) => balance.order(members)[0]?.name
  return { ...balance, balance, clock, fail, first }
}

/** Counts how often each upstream is chosen when each request ends before the next begins. */
function shares(members: readonly Region[], choices: number): Record<string, number> {
  const { balance } = open()
  const counts = Object.fromEntries(members.map(({ name }) => [name, 0]))
  for (let index = 0; index < choices; index += 1) {
    const [chosen] = balance.order(members)
    if (chosen === undefined) throw new Error('nobody was chosen')
    counts[chosen.name] = (counts[chosen.name] ?? 0) + 1
    const turn = balance.begin(chosen)
    turn.setHealth(true)
    turn.end()
  }
  return counts
}

const east = { name: 'east', weight: 1 }
const west = { name: 'west', weight: 1 }

describe('weights', () => {
  it('are kept over a thousand requests', () => {
    const members = [
      { name: 'east', weight: 5 },
      { name: 'west', weight: 3 },
      { name: 'north', weight: 2 },
    ]
    expect(shares(members, 1000)).toEqual({ east: 500, west: 300, north: 200 })
  })

  it('are kept to within one request at every moment, for any weights', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 1000 }), (all, choices) => {
        const members = all.map((weight, index) => ({ name: `r${index}`, weight }))
        const total = all.reduce((sum, weight) => sum + weight, 0)
        const counts = shares(members, choices)
        for (const { name, weight } of members) {
          const share = (choices * weight) / total
          expect(Math.abs((counts[name] ?? 0) - share)).toBeLessThanOrEqual(members.length)
        }
      }),
      { seed: 5, numRuns: rounds(50) },
    )
  })

  it('do not give an upstream its whole share in one burst', () => {
    const { balance } = open()
    const members = [{ name: 'east', weight: 3 }, west]
    const names = Array.from({ length: 8 }, () => balance.order(members)[0]?.name)
    expect(names.slice(0, 4).filter((name) => name === 'west')).toHaveLength(1)
    expect(names.slice(4).filter((name) => name === 'west')).toHaveLength(1)
  })
})

describe('requests in flight', () => {
  it('keep a busy upstream from being chosen until they end', () => {
    const { balance, first } = open()
    const turns = [balance.begin(east), balance.begin(east)]
    balance.begin(west)
    expect([first([east, west]), first([east, west])]).toEqual(['west', 'west'])
    for (const turn of turns) {
      turn.end()
      // A second `end` must not lower the count again.
      turn.end()
    }
    expect([first([east, west]), first([east, west])]).toEqual(['east', 'east'])
  })

  it('are divided by the weight: an upstream of weight three is as busy with three as another with one', () => {
    const { balance, first } = open()
    const big = { name: 'big', weight: 3 }
    for (let index = 0; index < 2; index += 1) balance.begin(big)
    balance.begin(west)
    expect(first([west, big])).toBe('big')
  })

  it('are spread by weight when none of them ends', () => {
    const { balance } = open()
    const members = [{ name: 'east', weight: 3 }, west]
    const counts: Record<string, number> = {}
    for (let index = 0; index < 1000; index += 1) {
      const [chosen = east] = balance.order(members)
      counts[chosen.name] = (counts[chosen.name] ?? 0) + 1
      balance.begin(chosen)
    }
    expect(counts).toEqual({ east: 750, west: 250 })
  })
})

describe('an upstream that failed five times in a row', () => {
  it('gets no requests for ten seconds unless no other upstream is left', () => {
    const { balance, fail, clock } = open()
    fail(east, 4)
    expect(balance.isCoolingDown(east)).toBe(false)
    fail(east, 1)
    expect(balance.isCoolingDown(east)).toBe(true)
    for (let index = 0; index < 10; index += 1) {
      expect(balance.order([east, west]).map(({ name }) => name)).toEqual(['west', 'east'])
    }
    // Also when the other upstream is busy.
    balance.begin(west)
    expect(balance.order([east, west])[0]).toBe(west)
    clock.time += 9
    expect(balance.isCoolingDown(east)).toBe(true)
    clock.time += 1
    expect(balance.isCoolingDown(east)).toBe(false)
  })

  it('keeps getting requests if one of the five succeeded', () => {
    const { balance, fail } = open()
    fail(east, 4)
    balance.begin(east).setHealth(true)
    fail(east, 4)
    expect(balance.isCoolingDown(east)).toBe(false)
  })

  it('gets one trial request after the ten seconds, which decides whether others follow', () => {
    const { balance, fail, clock } = open()
    fail(east, 5)
    clock.time += 10
    const trial = balance.begin(east)
    expect(balance.isCoolingDown(east)).toBe(true)
    trial.setHealth(false)
    trial.end()
    expect(balance.isCoolingDown(east)).toBe(true)
    clock.time += 10
    balance.begin(east).setHealth(true)
    expect(balance.isCoolingDown(east)).toBe(false)
  })

  it('is not flooded after the ten seconds', () => {
    const { balance, fail, clock } = open()
    fail(east, 5)
    for (let index = 0; index < 100; index += 1) balance.order([east, west])
    clock.time += 10
    const trial = balance.begin(east)
    trial.setHealth(true)
    trial.end()
    const names = Array.from({ length: 10 }, () => {
      const [chosen = east] = balance.order([east, west])
      return chosen.name
    })
    expect(names.filter((name) => name === 'east').length).toBeLessThanOrEqual(6)
  })

  it('is used if all upstreams have failed', () => {
    const { balance, fail } = open()
    fail(east, 5)
    fail(west, 5)
    expect(balance.order([east, west])).toHaveLength(2)
    expect(balance.order([])).toEqual([])
  })
})

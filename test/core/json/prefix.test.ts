import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createJsonPrefix } from '../../../src/core/json/prefix.ts'
import { rounds } from '../../lib/rounds.ts'

const isInString = (text: string) => createJsonPrefix().read(text)

describe('a text that may become JSON', () => {
  it('is recognised at each of its characters, at any chunk boundaries', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(2), fc.nat(), (compact, indent, cut) => {
        const json = JSON.stringify(JSON.parse(compact), null, indent)
        const end = cut % (json.length + 1)
        const quotes = json.slice(0, end).replace(/\\./g, '').replace(/\\$/, '')
        const isInside = quotes.split('"').length % 2 === 0
        expect(isInString(json.slice(0, end))).toBe(isInside)
        const pieces = createJsonPrefix()
        let last = false
        for (const character of json.slice(0, end).split('')) last = pieces.read(character)
        expect(last).toBe(isInside)
      }),
      { seed: 1, numRuns: rounds(500) },
    )
  })

  it.each([
    '"so" [a](',
    '[the chart]("',
    '[1]("',
    '{note: "',
    '{"a" "',
    '{"a":"b" "',
    '["a"}"',
    '{"a":"b"]"',
    '"a\nb',
    '{"a":1}{"',
    '# "',
  ])('is recognised as no JSON if it is %j', (text) => {
    expect(isInString(text)).toBe(false)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splice } from '../../../src/core/json/edits.ts'
import {
  elements,
  indexAt,
  members,
  pick,
  rootSpan,
  type Span,
  stringAt,
} from '../../../src/core/json/spans.ts'
import { blanks, spell } from '../../fixtures/json-spelling.ts'
import { rounds } from '../../lib/rounds.ts'

const numRuns = rounds(200)
function read(json: string, { start, end }: Span): unknown {
  return JSON.parse(json.slice(start, end))
}

const keys = fc.constantFrom('a', 'b', 'type', 'te"xt', 'ü', '\\', '')
const objects = fc.dictionary(keys, fc.jsonValue({ maxDepth: 2 }), { noNullPrototype: true })

describe('reading JSON in place', () => {
  it('finds the values of JSON.parse in any spelling', () => {
    fc.assert(
      fc.property(objects, blanks, fc.boolean(), (value, blank, isEscaped) => {
        const json = blank + spell(value, blank, isEscaped) + blank
        const root = rootSpan(json)
        const found = Array.from(members(json, root), ({ key, value: at }) => [key, read(json, at)])
        expect(Object.fromEntries(found)).toEqual(JSON.parse(json))
        const { a, type } = pick(json, root, ['a', 'type'])
        expect(a === undefined ? undefined : read(json, a)).toEqual(JSON.parse(json).a)
        expect(stringAt(json, type)).toBe(typeof value.type === 'string' ? value.type : undefined)
      }),
      { seed: 1, numRuns },
    )
  })

  it('finds the elements of an array, and none in any other value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), blanks, (value, blank) => {
        const json = spell(value, blank, false)
        const found = Array.from(elements(json, rootSpan(json)), (at) => read(json, at))
        expect(found).toEqual(Array.isArray(value) ? JSON.parse(json) : [])
      }),
      { seed: 1, numRuns },
    )
  })

  it('uses the last of equal members, as JSON.parse does', () => {
    const json = '{"a":1,"\\u0061":2}'
    expect(indexAt(json, pick(json, rootSpan(json), ['a']).a)).toBe(2)
  })

  it('terminates on any text that is not JSON', () => {
    fc.assert(
      fc.property(objects, fc.nat(), fc.string(), (value, cut, more) => {
        const json = JSON.stringify(value)
        const broken = json.slice(0, cut % (json.length + 1)) + more
        for (const { value: at } of members(broken, rootSpan(broken))) {
          expect(at.end).toBeLessThanOrEqual(broken.length)
          Array.from(elements(broken, at))
        }
        const anywhere = { start: 0, end: 1, text: '?' }
        expect([broken, `?${broken.slice(1)}`]).toContain(splice(broken, [anywhere]))
      }),
      { seed: 1, numRuns },
    )
  })

  it('reads deep nesting without a stack overflow', () => {
    const json = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)},"b":7}`
    expect(indexAt(json, pick(json, rootSpan(json), ['b']).b)).toBe(7)
  })

  it('accepts only whole numbers as an index', () => {
    for (const literal of ['-1', '1.5', '1e3', '"1"', 'null', '12345678901234567']) {
      expect(indexAt(literal, rootSpan(literal)), literal).toBeUndefined()
    }
    expect(indexAt('0', rootSpan('0'))).toBe(0)
  })
})

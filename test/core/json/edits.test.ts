import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addMember,
  memberSlot,
  removalEdits,
  splice,
  stringEdits,
} from '../../../src/core/json/edits.ts'
import { pick, rootSpan, type Span } from '../../../src/core/json/spans.ts'
import { blanks, spell } from '../../fixtures/json-spelling.ts'
import { rounds } from '../../lib/rounds.ts'

const numRuns = rounds(200)
const keys = fc.constantFrom('a', 'b', 'type', 'te"xt', 'ü', '\\', '')
const objects = fc.dictionary(keys, fc.jsonValue({ maxDepth: 2 }), { noNullPrototype: true })

describe('replacing in JSON', () => {
  it('changes a string like its text, and keeps the escapes in the rest', () => {
    const cuts = fc.array(fc.nat(40), { minLength: 2, maxLength: 6 })
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), cuts, fc.string(), (text, at, more) => {
        const places = [...new Set(at.map((one) => one % (text.length + 1)))].sort((a, b) => a - b)
        const edits = places.flatMap((start, index) => {
          const end = places[index + 1]
          return index % 2 === 0 && end !== undefined ? [{ start, end, text: more }] : []
        })
        let want = text
        for (const { start, end } of edits.toReversed()) {
          want = want.slice(0, start) + more + want.slice(end)
        }
        for (const isEscaped of [true, false]) {
          const json = `{"text": ${spell(text, '', isEscaped)} }`
          const { text: span } = pick(json, rootSpan(json), ['text'])
          const changed = splice(json, stringEdits(json, span as Span, edits))
          expect(JSON.parse(changed)).toEqual({ text: want })
        }
      }),
      { seed: 1, numRuns },
    )
  })

  it('adds a last member, before the blanks that close the object', () => {
    const json = '{ "a": 1 \n}'
    const slot = memberSlot(json, rootSpan(json) as Span)
    expect(splice(json, [{ ...slot, text: ',"b":2' }])).toBe('{ "a": 1,"b":2 \n}')
  })

  it('removes members with the commas that belong to them', () => {
    fc.assert(
      fc.property(objects, blanks, fc.subarray(['a', 'b', 'type', 'ü']), (value, blank, gone) => {
        const json = spell(value, blank, false)
        const edits = removalEdits(json, rootSpan(json) as Span, (key) => gone.includes(key))
        const left = Object.entries(JSON.parse(json)).filter(([key]) => !gone.includes(key))
        expect(JSON.parse(splice(json, edits))).toEqual(Object.fromEntries(left))
      }),
      { seed: 1, numRuns },
    )
  })
})

function add(json: string): string {
  const steps = addMember(new TextEncoder().encode(json), 'model', 'd "1"')
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return new TextDecoder().decode(step.value)
  }
}

describe('addMember', () => {
  it('adds the member last and keeps every other byte', () => {
    expect(add('{}')).toBe('{"model":"d \\"1\\""}')
    expect(add(' { "a" : 1.50,\n"b":{"model":"x"} }\n')).toBe(
      ' { "a" : 1.50,\n"b":{"model":"x"} ,"model":"d \\"1\\""}\n',
    )
  })

  it.each([
    '{"model":"own"}',
    '{"model":null,"a":1}',
    '{"\\u006dodel":"own"}',
    '[]',
    '"model"',
    '1',
    '',
    '{"a":NaN}',
    '{"a":1,}',
    '{} {}',
  ])('leaves %s as it is', (json) => {
    expect(add(json)).toBe(json)
  })

  it('turns any object into the same object with the member', () => {
    const property = fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const object = JSON.parse(JSON.stringify(value))
      const expected = Object.hasOwn(object, 'model') ? object : { ...object, model: 'd "1"' }
      expect(JSON.parse(add(JSON.stringify(value, null, 1)))).toEqual(expected)
    })
    fc.assert(property, { numRuns: rounds(200) })
  })
})

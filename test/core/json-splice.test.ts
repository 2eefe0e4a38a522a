import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  elements,
  indexAt,
  memberSlot,
  members,
  pick,
  removalEdits,
  rootSpan,
  type Span,
  splice,
  stringAt,
  stringEdits,
} from '../../src/core/json-splice.ts'
import { rounds } from '../rounds.ts'

const numRuns = rounds(200)
const blanks = fc.constantFrom('', ' ', '\n', '\r\n\t ', '  ')

/** JSON text as anybody may write it: blanks everywhere, characters escaped or not. */
function spell(value: unknown, blank: string, isEscaped: boolean): string {
  if (typeof value === 'string') {
    const plain = JSON.stringify(value)
    return isEscaped ? plain.replace(/[^\x20-\x7e]|[/a]/g, escapeUnit) : plain
  }
  if (Array.isArray(value)) {
    return `[${blank}${value.map((one) => spell(one, blank, isEscaped)).join(`${blank},${blank}`)}${blank}]`
  }
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(
      ([key, one]) => `${JSON.stringify(key)}${blank}:${blank}${spell(one, blank, isEscaped)}`,
    )
    return `{${blank}${pairs.join(`${blank},${blank}`)}${blank}}`
  }
  return JSON.stringify(value)
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function read(json: string, { start, end }: Span): unknown {
  return JSON.parse(json.slice(start, end))
}

const keys = fc.constantFrom('a', 'b', 'type', 'te"xt', 'ü', '\\', '')
const objects = fc.dictionary(keys, fc.jsonValue({ maxDepth: 2 }), { noNullPrototype: true })

describe('reading JSON where it stands', () => {
  it('finds what JSON.parse finds, however it is written', () => {
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

  it('finds the elements of a list, and none of anything else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), blanks, (value, blank) => {
        const json = spell(value, blank, false)
        const found = Array.from(elements(json, rootSpan(json)), (at) => read(json, at))
        expect(found).toEqual(Array.isArray(value) ? JSON.parse(json) : [])
      }),
      { seed: 1, numRuns },
    )
  })

  it('lets the last of equal members count, as JSON.parse does', () => {
    const json = '{"a":1,"\\u0061":2}'
    expect(indexAt(json, pick(json, rootSpan(json), ['a']).a)).toBe(2)
  })

  it('comes to an end on whatever is no JSON', () => {
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

  it('reads a deep nesting without running out of stack', () => {
    const json = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)},"b":7}`
    expect(indexAt(json, pick(json, rootSpan(json), ['b']).b)).toBe(7)
  })

  it('takes only whole numbers for an index', () => {
    for (const literal of ['-1', '1.5', '1e3', '"1"', 'null', '12345678901234567']) {
      expect(indexAt(literal, rootSpan(literal)), literal).toBeUndefined()
    }
    expect(indexAt('0', rootSpan('0'))).toBe(0)
  })
})

describe('replacing in JSON', () => {
  it('changes a string as its text is changed, and keeps the escapes of the rest', () => {
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

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deepest, type JsonVisitor, scanJson } from '../../../src/core/json/scan.ts'
import { atOnce } from '../../lib/at-once.ts'
import { rounds } from '../../lib/rounds.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Scans bytes; returns the tokens that the visitor got, as spans of the bytes. */
function scan(bytes: Uint8Array, pace?: number): string[] {
  const told: string[] = []
  const visitor: JsonVisitor = {
    key: (start, end) => told.push(`key ${start} ${end}`),
    scalar: (start, end) => told.push(`scalar ${start} ${end}`),
    open: (start, isList) => told.push(`open ${start} ${isList}`),
    close: (end) => told.push(`close ${end}`),
  }
  atOnce(scanJson(bytes, visitor, pace))
  return told
}

function isAccepted(bytes: Uint8Array): boolean {
  try {
    scan(bytes)
    return true
  } catch {
    return false
  }
}

/** The platform's result: its parser is strict once the bytes are UTF-8 without a byte order mark. */
function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    return true
  } catch {
    return false
  }
}

const splinter = fc.constantFrom(
  ...['"', '\\', '\\u', '\\ud800', '{', '}', '[', ']', ',', ':', '0', '1', '-', '.', 'e+', 'E'],
  ...['null', 'true', 'fals', 'NaN', 'Infinity', '//', '/*', '\n', '\0', '\t', '\ufeff', "'", 'ä'],
)

interface Mutation {
  readonly at: number
  readonly remove: number
  readonly insert: Uint8Array
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.nat(3),
  insert: fc.oneof(splinter.map(encode), fc.uint8Array({ maxLength: 2 })),
})

function mutate(bytes: Uint8Array, { at, remove, insert }: Mutation): Uint8Array {
  const place = Math.floor(at * bytes.length)
  return Uint8Array.from([
    ...bytes.subarray(0, place),
    ...insert,
    ...bytes.subarray(place + remove),
  ])
}

describe('scanJson', () => {
  it('accepts exactly what is JSON in UTF-8', () => {
    fc.assert(
      fc.property(fc.json(), fc.array(mutation, { maxLength: 3 }), (json, mutations) => {
        const bytes = mutations.reduce(mutate, encode(json))
        expect(isAccepted(bytes)).toBe(isJson(bytes))
      }),
      { numRuns: rounds(500, 100_000) },
    )
  })

  it('reports the same tokens at any place of a pause', () => {
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 1, max: 9 }), (json, pace) => {
        expect(scan(encode(json), pace)).toEqual(scan(encode(json)))
      }),
      { numRuns: rounds(100) },
    )
  })

  it('reports each token with its offsets', () => {
    expect(scan(encode(' {"a\\"": [1.5e3, {}, "ä"]}'))).toEqual([
      'open 1 false',
      'key 2 7',
      'open 9 true',
      'scalar 10 15',
      'open 17 false',
      'close 19',
      'scalar 21 25',
      'close 26',
      'close 27',
    ])
  })

  it.each([
    ['nothing', ''],
    ['two values', '{} {}'],
    ['a byte behind the value', '{}\0'],
    ['a comment', '{/* */}'],
    ['a comma at the end', '[1,]'],
    ['NaN', '[NaN]'],
    ['a line feed in a string', '"\n"'],
    ['a byte order mark', '\ufeff{}'],
    ['a number that begins with 0', '01'],
    ['a bracket that closes the other', '{]'],
  ])('refuses %s, and says where', (_, text) => {
    expect(() => scan(encode(text))).toThrow(/is not JSON: at byte \d+, /)
  })

  it('limits the nesting depth, because it stores each level', () => {
    const nested = (levels: number) => encode('['.repeat(levels) + ']'.repeat(levels))
    expect(isAccepted(nested(deepest))).toBe(true)
    expect(isAccepted(nested(deepest + 1))).toBe(false)
  })
})

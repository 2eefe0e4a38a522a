import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAnySearch, createByteSearch } from '../../src/core/search.ts'
import { rounds } from '../lib/rounds.ts'

const encoder = new TextEncoder()

describe('createByteSearch', () => {
  it('finds the first occurrence of a text between two offsets', () => {
    const few = fc.constantFrom('a', 'b', '"')
    const short = fc.string({ unit: few, minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(
        short,
        fc.string({ unit: few, maxLength: 40 }),
        fc.nat({ max: 40 }),
        fc.nat({ max: 40 }),
        (needle, text, start, end) => {
          const within = text.slice(0, end).indexOf(needle, start)
          const found = createByteSearch(needle)(
            encoder.encode(text),
            start,
            Math.min(end, text.length),
          )
          expect(found).toBe(start + needle.length > Math.min(end, text.length) ? -1 : within)
        },
      ),
      { seed: 1, numRuns: rounds(1000) },
    )
    expect(createByteSearch('file_id')(encoder.encode('日 "file_id": 1'))).toBe(5)
  })
})

describe('createAnySearch', () => {
  it('finds whether the bytes contain one of the texts', () => {
    const isIn = createAnySearch(['file_id', 'container_id'])
    expect(isIn(encoder.encode('{"container_id":1}'))).toBe(true)
    expect(isIn(encoder.encode('{"file":"id"}'))).toBe(false)
  })
})

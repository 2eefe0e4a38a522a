import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contentRange, evaluateConditions, parseRange } from '../../../src/core/http/range.ts'
import { rounds } from '../../lib/rounds.ts'

describe('parseRange', () => {
  it('reads first and last byte, open and suffix ranges, and cuts them at the end of the file', () => {
    for (const [header, start, end] of [
      ['bytes=0-0', 0, 0],
      ['bytes=0-', 0, 99],
      ['bytes=10-19', 10, 19],
      ['bytes=90-1000', 90, 99],
      ['bytes=0-99999999999999999999999999', 0, 99],
      [`bytes=5-${'9'.repeat(400)}`, 5, 99],
      ['bytes=-1', 99, 99],
      ['bytes=-100', 0, 99],
      ['bytes=-1000', 0, 99],
      [`bytes=-${'9'.repeat(400)}`, 0, 99],
      ['Bytes=1-2', 1, 2],
      ['bytes=007-008', 7, 8],
    ] as const) {
      expect(parseRange(header, 100), header).toEqual({ start, end })
    }
  })

  it('answers 416 only if no byte of the file is requested', () => {
    for (const header of ['bytes=100-', 'bytes=100-200', 'bytes=-0', `bytes=${'9'.repeat(400)}-`]) {
      expect(parseRange(header, 100), header).toBe('unsatisfiable')
    }
    expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable')
    expect(parseRange('bytes=0-0', 0)).toBe('unsatisfiable')
  })

  it('returns the whole file for malformed headers, several ranges and other units', () => {
    for (const header of [
      undefined,
      null,
      '',
      'bytes',
      'bytes=',
      'bytes=-',
      'bytes=5-4',
      'bytes=0-1,2-3',
      'bytes=0-1, 5-6',
      'bytes=+1-2',
      'bytes=1.5-2',
      'bytes=0x1-2',
      'bytes=1e1-20',
      'bytes=١-٢',
      'bytes= 0-1',
      'bytes =0-1',
      'bytes=0 - 1',
      'bytes=--1',
      'bytes:0-1',
      'items=0-1',
      '0-1',
    ]) {
      expect(parseRange(header, 100), String(header)).toBe('none')
    }
    expect(parseRange('bytes=-5', 0)).toBe('none')
  })

  it('selects the same bytes as a slice of the file', () => {
    const bytes = Uint8Array.from({ length: 300 }, (_, at) => at)
    const part = fc.record({
      size: fc.nat(300),
      first: fc.option(fc.nat(320), { nil: undefined }),
      last: fc.option(fc.nat(320), { nil: undefined }),
    })
    fc.assert(
      fc.property(part, ({ size, first, last }) => {
        const all = bytes.subarray(0, size)
        const range = parseRange(`bytes=${first ?? ''}-${last ?? ''}`, size)
        const whole = (first ?? last) === undefined || (last ?? 1000) < (first ?? 0)
        // `slice` cuts at the end and counts from it as a range does.
        const wanted =
          first === undefined
            ? last === 0
              ? []
              : all.slice(-(last ?? 0))
            : all.slice(first, (last ?? size) + 1)
        if (whole || (first === undefined && last !== 0 && size === 0)) expect(range).toBe('none')
        else if (wanted.length === 0) expect(range).toBe('unsatisfiable')
        else {
          const { start, end } = range as { start: number; end: number }
          expect([...all.subarray(start, end + 1)]).toEqual([...wanted])
        }
      }),
      { seed: 4, numRuns: rounds(500) },
    )
  })
})

describe('evaluateConditions', () => {
  const etag = '"cfile_a.2s"'
  const size = 100
  const status = (
    headers: Record<string, string>,
    of: { etag?: string; size?: number } = { etag, size },
  ) => evaluateConditions(new Headers(headers), of).status

  it('sends what was requested', () => {
    expect(evaluateConditions(new Headers(), { etag, size })).toEqual({ status: 200 })
    expect(evaluateConditions(new Headers({ range: 'bytes=90-' }), { etag, size })).toEqual({
      status: 206,
      range: { start: 90, end: 99 },
    })
    expect(status({ range: 'bytes=100-' })).toBe(416)
    expect(status({ range: 'bytes=0-1,4-5' })).toBe(200)
  })

  it('sends no body if the client has the file, by weak comparison', () => {
    for (const [list, want] of [
      [etag, 304],
      [`W/${etag}`, 304],
      ['*', 304],
      [`"a,b", ${etag}`, 304],
      [`"x",,W/${etag} ,`, 304],
      ['"other"', 200],
      [`"x, ${etag}`, 200],
      [`w/${etag}`, 200],
      [etag.replaceAll('"', ''), 200],
      ['', 200],
    ] as const) {
      expect(status({ 'if-none-match': list }), list).toBe(want)
    }
  })

  it('refuses if the client expects another file, by strong comparison', () => {
    for (const [list, want] of [
      [etag, 200],
      ['*', 200],
      [`"a,b", ${etag}`, 200],
      [`W/${etag}`, 412],
      ['"other"', 412],
      ['', 412],
    ] as const) {
      expect(status({ 'if-match': list }), list).toBe(want)
    }
  })

  it('never combines ranges of two files', () => {
    const range = 'bytes=50-'
    expect(status({ range, 'if-range': etag })).toBe(206)
    for (const other of [`W/${etag}`, '"other"', 'Wed, 23 Sep 2026 10:00:00 GMT', '', '*']) {
      expect(status({ range, 'if-range': other }), other).toBe(200)
    }
    expect(status({ range: 'bytes=200-', 'if-range': '"other"' })).toBe(200)
    expect(status({ range, 'if-range': etag }, { size })).toBe(200)
  })

  it('evaluates in the order of the RFC', () => {
    const range = 'bytes=200-'
    expect(status({ 'if-match': '"x"', 'if-none-match': etag, range })).toBe(412)
    expect(status({ 'if-match': etag, 'if-none-match': etag, range })).toBe(304)
    expect(status({ 'if-match': etag, 'if-none-match': '"x"', range })).toBe(416)
    expect(status({ 'if-modified-since': 'Wed, 23 Sep 2099 10:00:00 GMT' })).toBe(200)
    expect(status({ 'if-unmodified-since': 'Wed, 23 Sep 1999 10:00:00 GMT' })).toBe(200)
  })

  it('sends the whole file if its size is unknown', () => {
    expect(status({ range: 'bytes=0-1' }, {})).toBe(200)
    expect(status({ 'if-none-match': etag }, {})).toBe(200)
    expect(status({ 'if-none-match': '"undefined"' }, {})).toBe(200)
    expect(status({ 'if-match': etag }, {})).toBe(412)
  })
})

describe('contentRange', () => {
  it('names the part, or the size of the file if no part is sent', () => {
    expect(contentRange({ start: 0, end: 9 }, 100)).toBe('bytes 0-9/100')
    expect(contentRange(undefined, 100)).toBe('bytes */100')
  })
})

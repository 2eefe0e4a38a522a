import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createProgress, formatProgress } from '../../src/cli/progress.ts'
import {
  formatAge,
  formatBytes,
  formatDuration,
  parseDuration,
  shorten,
  widthOf,
  wrap,
} from '../../src/cli/text.ts'

describe('parseDuration', () => {
  it.each([
    ['45', 45],
    ['45s', 45],
    ['30m', 1800],
    ['1h', 3600],
    ['1h30m', 5400],
    ['2d', 172_800],
    ['1d12h', 129_600],
  ])('reads %s as %i seconds', (text, seconds) => {
    expect(parseDuration('--expires-in', text)).toBe(seconds)
  })

  it.each(['', '0', 'soon', '-1', '1.5h', '1w', '30m1h', '1 h', '٣'])('refuses "%s"', (text) => {
    expect(() => parseDuration('--expires-in', text)).toThrow(/--expires-in takes a duration/)
  })
})

describe('shorten', () => {
  it('keeps a text that fits, and shortens others to their beginning and end', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 40 }),
        (text, width) => {
          const short = shorten(text, width)
          if (widthOf(text) <= width) expect(short).toBe(text)
          else expect(widthOf(short)).toBeLessThanOrEqual(width)
        },
      ),
    )
  })

  it('keeps the ending of a file name', () => {
    expect(shorten('quarterly_revenue_2026.csv', 16)).toBe('quarterl…026.csv')
  })
})

describe('widthOf', () => {
  it.each([
    ['abc', 3],
    ['Übersicht', 9],
    ['図表.png', 8],
    ['📊.csv', 6],
    ['e\u0301', 1],
  ])('measures %s as %i columns', (text, width) => {
    expect(widthOf(text)).toBe(width)
  })
})

describe('wrap', () => {
  it('breaks at blanks and loses no word', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three'])
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,9}$/)), fc.nat(60), (words, width) => {
        const lines = wrap(words.join(' '), width)
        expect(lines.join(' ')).toBe(words.join(' '))
        for (const line of lines) expect(!line.includes(' ') || line.length <= width).toBe(true)
      }),
    )
  })
})

describe('numbers for people', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [4_000_000, '4.0 MB'],
    [1.5e12, '1.5 TB'],
    [1e16, '10000.0 TB'],
  ])('writes %i bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  it.each([
    [0, '0 s'],
    [59.4, '59 s'],
    [59.6, '1 min'],
    [125, '2 min 5 s'],
    [3599.7, '1 h'],
    [5400, '1 h 30 min'],
    [86_390, '1 d'],
    [90_000, '1 d 1 h'],
  ])('writes %d seconds as %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text))

  it('writes ages', () => {
    expect([3, 30, 300, 30_000, 300_000].map(formatAge)).toEqual([
      'just now',
      '30 s ago',
      '5 min ago',
      '8 h ago',
      '3 d ago',
    ])
  })
})

describe('the progress of a download', () => {
  const state = { name: 'sales.csv', done: 2_500_000, total: 10_000_000, rate: 1_500_000 }

  it('shows percentage, size, rate and time left', () => {
    expect(formatProgress(state, 79)).toBe('sales.csv   25%  2.5 MB of 10.0 MB  1.5 MB/s  5 s left')
  })

  it('leaves out unknown values', () => {
    const unknown = { ...state, total: undefined }
    expect(formatProgress(unknown, 79)).toBe('sales.csv  2.5 MB  1.5 MB/s')
    expect(formatProgress({ ...unknown, rate: undefined }, 79)).toBe('sales.csv  2.5 MB')
    expect(formatProgress({ ...state, done: 0, rate: 0 }, 79)).toMatch(/0%.*0 B\/s$/)
  })

  it('never uses more columns than the terminal has', () => {
    const name = 'quarterly_revenue_by_region_and_product.csv'
    for (let width = 10; width < 130; width += 1) {
      const line = formatProgress({ ...state, name }, width)
      expect(widthOf(line)).toBeLessThanOrEqual(width)
      if (width > 14) expect(line).toContain('25%')
    }
  })

  it('is a plain line every five seconds without a terminal', () => {
    let [time, written] = [0, '']
    const progress = createProgress(
      {
        isTerminal: false,
        width: () => 100,
        write: (text) => {
          written += text
        },
        paint: (_, text) => text,
      },
      () => time,
    )
    for (; time <= 11_000; time += 1000) progress.show('big.bin', time * 1000, 20_000_000)
    progress.clear()
    expect(written).toBe(
      'big.bin   25%  5.0 MB of 20.0 MB  1.0 MB/s  15 s left\nbig.bin   50%  10.0 MB of 20.0 MB  1.0 MB/s  10 s left\n',
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findSandboxLinks, mayHoldLink } from '../../src/core/sandbox-links.ts'
import { rounds } from '../rounds.ts'

const prefix = 'sandbox:/mnt/data/'

function pathsIn(text: string): string[] {
  return findSandboxLinks(text).links.map(({ path }) => path)
}

describe('sandbox: links', () => {
  it.each([
    // In the parentheses of Markdown: up to the one that balances, blanks allowed, a title not.
    [`[a](${prefix}a.csv)`, ['a.csv']],
    [`![a](${prefix}a.png)`, ['a.png']],
    [`[a](${prefix}my chart (1).png)`, ['my chart (1).png']],
    [`[a](${prefix}a(b(c)).csv) and)`, ['a(b(c)).csv']],
    [`[a]( ${prefix}a.csv )`, ['a.csv']],
    [`[a](${prefix}a.csv "The title")`, ['a.csv']],
    [`[a](${prefix}a.csv 'The title')`, ['a.csv']],
    [`[a](${prefix}say "so" now.csv)`, ['say "so" now.csv']],
    [`[a](${prefix}a.csv`, []],
    // In brackets and quotes: up to their end.
    [`<${prefix}my chart.png>`, ['my chart.png']],
    [`"${prefix}my chart.png"`, ['my chart.png']],
    [`'${prefix}my chart.png'`, ['my chart.png']],
    [`“${prefix}my chart.png”`, ['my chart.png']],
    [`[a](<${prefix}my chart).png>)`, ['my chart).png']],
    [`"${prefix}never closed`, []],
    // Bare: up to a blank or what closes, without the sentence's own signs.
    [`See ${prefix}a.csv.`, ['a.csv']],
    [`See ${prefix}a.csv, ${prefix}b.csv!?`, ['a.csv', 'b.csv']],
    [`(${prefix}a.csv)`, ['a.csv']],
    [`\`${prefix}a.csv\``, ['a.csv']],
    [`${prefix}out/a.csv`, ['out/a.csv']],
    [`${prefix}100%25.csv`, ['100%25.csv']],
    [`${prefix}Übersicht📈.csv x`, ['Übersicht📈.csv']],
    // Never over a line's end.
    [`[a](${prefix}a\nb.csv)`, []],
    [`${prefix}a\r\nb.csv`, ['a']],
    // Anything else stays.
    [`${prefix}`, []],
    [`${prefix} a.csv`, []],
    [`${prefix}../secret`, []],
    [`${prefix}a/./b`, []],
    ['sandbox:/mnt/other/a.csv', []],
    ['sandbox:/mnt/data', []],
    [`my${prefix}a.csv`, []],
    [`SANDBOX:/mnt/data/a.csv`, []],
    // Two, one the beginning of the other, and one twice.
    [`[a](${prefix}a) [b](${prefix}a.csv) [a](${prefix}a)`, ['a', 'a.csv', 'a']],
  ])('of %j are %j', (text, paths) => {
    expect(pathsIn(text)).toEqual(paths)
    for (const { start, end, path } of findSandboxLinks(text).links) {
      expect(text.slice(start, end)).toBe(prefix + path)
    }
  })

  const texts = fc
    .array(
      fc.constantFrom(
        prefix,
        's',
        'sandbox',
        ':/mnt/data/',
        'a.csv',
        ' ',
        '](',
        '[',
        ')',
        '(',
        '<',
        '>',
        '"',
        "'",
        '“',
        '”',
        '\\',
        '\n',
        '. ',
        '📈',
        ' "title")',
        '..',
        '/',
      ),
      { maxLength: 24 },
    )
    .map((pieces) => pieces.join(''))

  it('are found in a growing text as in the whole, and what was decided stands', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(), { maxLength: 8 }), (text, cuts) => {
        const whole = findSandboxLinks(text).links
        const found = []
        let from = 0
        for (const length of [...cuts.map((cut) => cut % (text.length + 1))].sort(
          (a, b) => a - b,
        )) {
          const { links, open } = findSandboxLinks(text.slice(0, length), { from, isGrowing: true })
          found.push(...links)
          expect(open).toBeGreaterThanOrEqual(from)
          from = open
        }
        found.push(...findSandboxLinks(text, { from }).links)
        expect(found).toEqual(whole)
      }),
      { seed: 1, numRuns: rounds(1000) },
    )
  })

  it('are not looked for where none can be', () => {
    fc.assert(
      fc.property(texts, texts, (before, piece) => {
        const { open } = findSandboxLinks(before, { isGrowing: true })
        if (open < before.length || mayHoldLink(piece)) return
        const { links } = findSandboxLinks(before + piece, { from: before.length })
        expect(links).toEqual([])
      }),
      { seed: 1, numRuns: rounds(500) },
    )
  })

  it('hold back a line at most, and no more than a path can be long', () => {
    const begun = `[a](${prefix}${'x'.repeat(10)}`
    expect(findSandboxLinks(`${begun}\nmore`, { isGrowing: true }).open).toBe(begun.length + 5)
    const long = `[a](${prefix}${'x'.repeat(5000)}`
    expect(findSandboxLinks(long, { isGrowing: true }).open).toBe(long.length)
  })

  it('cost no more than their length, whatever the text', () => {
    const begun = performance.now()
    for (const piece of [prefix, `](${prefix}`, `"${prefix}`, `](${prefix}( `, ' "', '](']) {
      findSandboxLinks(piece.repeat(20_000), { isGrowing: true })
    }
    expect(performance.now() - begun).toBeLessThan(10_000)
  })
})

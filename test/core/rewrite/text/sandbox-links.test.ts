import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLinkScanner } from '../../../../src/core/rewrite/stream/held-text.ts'
import {
  findSandboxLinks,
  mayHoldLink,
  type SandboxLink,
  toWrittenLink,
} from '../../../../src/core/rewrite/text/sandbox-links.ts'
import { rounds } from '../../../lib/rounds.ts'

const prefix = 'sandbox:/mnt/data/'

function pathsIn(text: string): string[] {
  return findSandboxLinks(text).links.map(({ path }) => path)
}

/** The text with each link replaced by a short URL. */
function replaced(text: string): string {
  let at = 0
  let result = ''
  for (const { start, end } of findSandboxLinks(text).links) {
    result += `${text.slice(at, start)}https://x.io/s/a`
    at = end
  }
  return result + text.slice(at)
}

describe('sandbox: links', () => {
  it.each([
    // In Markdown parentheses: up to the balancing one; blanks are allowed, a title is not part of the link.
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
    [`»${prefix}a b.csv«`, ['a b.csv']],
    [`„${prefix}a b.csv“`, ['a b.csv']],
    // Bare: up to a blank or a closing character, without the punctuation of the sentence.
    [`See ${prefix}a.csv.`, ['a.csv']],
    [`See ${prefix}a.csv, ${prefix}b.csv!?`, ['a.csv', 'b.csv']],
    [`(${prefix}a.csv)`, ['a.csv']],
    [`\`${prefix}a.csv\``, ['a.csv']],
    [`${prefix}out/a.csv`, ['out/a.csv']],
    [`${prefix}100%25.csv`, ['100%25.csv']],
    [`${prefix}Übersicht📈.csv x`, ['Übersicht📈.csv']],
    [`${prefix}a.csv,${prefix}b.csv`, ['a.csv', 'b.csv']],
    [`<td>${prefix}a.csv</td>`, ['a.csv']],
    [`| a | ${prefix}a.csv| b |`, ['a.csv']],
    [`${prefix}a(1).csv`, ['a(1']],
    [`${prefix}a[1].csv`, ['a[1']],
    // Without emphasis that was opened before the link, anywhere in the paragraph.
    [`*${prefix}a.csv*, **${prefix}b.csv**. ~~${prefix}c.csv~~`, ['a.csv', 'b.csv', 'c.csv']],
    [`***${prefix}a.csv*** _${prefix}b.csv._`, ['a.csv', 'b.csv']],
    [`**_${prefix}a.csv_**`, ['a.csv']],
    [`**Saved to ${prefix}a.csv**`, ['a.csv']],
    [`**Saved:\n${prefix}a.csv**`, ['a.csv']],
    [`**Saved:** ${prefix}a.csv**`, ['a.csv**']],
    [`**Saved:\n\n${prefix}a.csv**`, ['a.csv**']],
    [`snake_case ${prefix}a_`, ['a_']],
    [`${prefix}a*b.csv ${prefix}a.txt~ _x_ ${prefix}_a_.csv`, ['a*b.csv', 'a.txt~', '_a_.csv']],
    // Without CJK punctuation after it. A pair of brackets is part of a name only before its extension.
    [`（对照：${prefix}a.pdf）`, ['a.pdf']],
    [`已存为 ${prefix}报告.xlsx，请查收。`, ['报告.xlsx']],
    [`『${prefix}a.csv』「${prefix}b.csv」《${prefix}c.csv》`, ['a.csv', 'b.csv', 'c.csv']],
    [`${prefix}a.csv【4:0†source】. ${prefix}b.csv（见下）`, ['a.csv', 'b.csv']],
    [`${prefix}报告（终稿）.xlsx，`, ['报告（终稿）.xlsx']],
    [`${prefix}报告（一、二）.tar.gz`, ['报告（一、二）.tar.gz']],
    [`${prefix}报告（终稿【2】）.xlsx`, ['报告（终稿【2】）.xlsx']],
    [`${prefix}报告（终稿】.xlsx`, ['报告']],
    [`${prefix}报告（终稿 1）.xlsx`, ['报告']],
    [`${prefix}a{1}.csv {${prefix}b.csv} ${prefix}c.csv{x}`, ['a{1}.csv', 'b.csv', 'c.csv']],
    [`${prefix}a⟨1⟩.csv⟩`, ['a⟨1⟩.csv']],
    [`${prefix}a.csv\ue200filecite\ue202turn0file0\ue201 now`, ['a.csv']],
    [`${prefix}a.csv\u{f0000}x`, ['a.csv']],
    [`${prefix}a.csv… ok`, ['a.csv']],
    [`保存sandbox:/mnt/data/a.csv`, ['a.csv']],
    // Two and three slashes.
    ['sandbox://mnt/data/a.csv', ['sandbox://mnt/data/a.csv']],
    ['[a](sandbox:///mnt/data/a b.csv)', ['sandbox:///mnt/data/a b.csv']],
    ['sandbox:////mnt/data/a.csv', []],
    // The surrounding string literal continues at its escapes.
    [`{"h":"\\"${prefix}a.csv\\""}`, ['a.csv']],
    [`{"h":"<a href=\\"${prefix}j.csv\\">x</a>"}`, ['j.csv']],
    [`{"m":"Saved to ${prefix}k.csv\\nBye"}`, ['k.csv']],
    [`{"m":"Saved:\\n${prefix}k.csv\\n\\u000a${prefix}l.csv"}`, ['k.csv', 'l.csv']],
    [`{"m":"${prefix}a.csv\\\\"}`, ['a.csv']],
    [`{"m":"${prefix}a.csv\\\\nx"}`, ['a.csv']],
    [`print("${prefix}a.csv\\n")`, ['a.csv']],
    [`{"m":"[a](${prefix}a b.csv \\"title\\")"}`, ['a b.csv']],
    [
      `{"p":"${prefix}r\\u00e9sum\\u00e9.csv\\u201d \\u201d${prefix}x.csv\\u201d"}`,
      ['r\\u00e9sum\\u00e9.csv', 'x.csv'],
    ],
    [`{"m":"[a](${prefix}a.csv","n":"b)"}`, []],
    [`{"m":"'${prefix}a.csv","n":"it's"}`, []],
    [`"so" [a](${prefix}say "so" now.csv)`, ['say "so" now.csv']],
    // Markdown escapes are part of the written link.
    [`[a](${prefix}q\\_1 \\(final\\).csv)`, ['q\\_1 \\(final\\).csv']],
    [`${prefix}q\\_1.csv\\\n`, ['q\\_1.csv']],
    // Never across a line end.
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
    [`my_${prefix}a.csv`, ['a.csv']],
    [`SANDBOX:/mnt/data/a.csv`, []],
    // Two links of which one begins like the other, and one link twice.
    [`[a](${prefix}a) [b](${prefix}a.csv) [a](${prefix}a)`, ['a', 'a.csv', 'a']],
  ])('in %j are %j', (text, paths) => {
    expect(pathsIn(text)).toEqual(paths)
    for (const { start, end, path } of findSandboxLinks(text).links) {
      expect(text.slice(start, end)).toBe(toWrittenLink(path))
    }
  })

  const texts = fc
    .array(
      fc.constantFrom(
        prefix,
        'sandbox://mnt/data/',
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
        '**',
        '_',
        '（',
        '）',
        '【',
        '】',
        '{',
        '}',
        '.xlsx',
        '，',
        '\\n',
        '\\"',
        '\\u00e9',
        '{"a":"',
        '","b":["',
        '"]}',
        'ok',
        '\n\n',
        '\ue200',
      ),
      { maxLength: 24 },
    )
    .map((pieces) => pieces.join(''))

  it('are found in a growing text as in the whole text, and no decision changes later', () => {
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

  it('are found in a text that is cut at any place, even with little context before them', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(3000), { maxLength: 3 }), texts, (one, pads, two) => {
        const text = [one, ...pads.map((length) => 'x *'.repeat(length)), two].join('')
        const scanner = createLinkScanner({})
        const found: SandboxLink[] = []
        for (let at = 0; at < text.length; ) {
          const length = 1 + ((at * 7919) % 37)
          found.push(...scanner.push(text.slice(at, at + length)))
          at += length
          expect(scanner.open()).toBeLessThanOrEqual(Math.min(at, text.length))
        }
        found.push(...scanner.end())
        expect(found).toEqual(findSandboxLinks(text).links)
      }),
      { seed: 1, numRuns: rounds(300) },
    )
  })

  it('are not searched in text that cannot contain one', () => {
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

  it('never break a text that is JSON', () => {
    const odd = texts.map((text) => text.replaceAll('\n', ' '))
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        odd,
        fc.constantFrom(null, true, -1.5e-7),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(odd, tie('value'), { maxKeys: 3, noNullPrototype: true }),
      ),
    })).value
    // A service may escape more than needed, and a string may contain JSON itself.
    const spellings = [
      (json: string) => json,
      (json: string) => json.replaceAll('/', '\\/'),
      (json: string) =>
        json.replace(
          /[^ -~\n]/g,
          (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
        ),
      (json: string) => JSON.stringify({ nested: json }),
    ]
    fc.assert(
      fc.property(values, fc.constantFrom(...spellings), fc.nat(2), (value, spell, indent) => {
        const json = spell(JSON.stringify(value, null, indent))
        expect(() => JSON.parse(replaced(json)), json).not.toThrow()
      }),
      { seed: 1, numRuns: rounds(3000) },
    )
  })

  it('hold back at most one line, and at most the length of a path', () => {
    const begun = `[a](${prefix}${'x'.repeat(10)}`
    expect(findSandboxLinks(`${begun}\nmore`, { isGrowing: true }).open).toBe(begun.length + 5)
    const long = `[a](${prefix}${'x'.repeat(5000)}`
    expect(findSandboxLinks(long, { isGrowing: true }).open).toBe(long.length)
  })

  it('take linear time on any text', () => {
    const begun = performance.now()
    for (const piece of [prefix, `](${prefix}`, `"${prefix}`, `](${prefix}( `, ' "', '](']) {
      findSandboxLinks(piece.repeat(5000), { isGrowing: true })
    }
    expect(performance.now() - begun).toBeLessThan(10_000)
  })
})

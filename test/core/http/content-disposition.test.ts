import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  cleanFilename,
  contentDisposition,
  parseContentDisposition,
  stripStoredPrefix,
} from '../../../src/core/http/content-disposition.ts'
import { azureContentHeaders, openaiContentHeaders } from '../../fixtures/http.ts'
import { rounds } from '../../lib/rounds.ts'

/** Any JavaScript string: letters, controls, direction marks, lone surrogates. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.string({ unit: fc.constantFrom('.', '/', '"', '%', '\\', "'", ';', '\u202e', '\ud800', 'é') }),
)

describe('contentDisposition', () => {
  it('names a file for clients with and without RFC 8187', () => {
    expect(contentDisposition('report.csv')).toBe(
      `attachment; filename="report.csv"; filename*=UTF-8''report.csv`,
    )
    expect(contentDisposition('Übersicht 2026.csv', 'inline')).toBe(
      `inline; filename="_bersicht 2026.csv"; filename*=UTF-8''%C3%9Cbersicht%202026.csv`,
    )
  })

  it.each([
    ['你好.txt', '__.txt', '%E4%BD%A0%E5%A5%BD.txt'],
    ['📈.png', '_.png', '%F0%9F%93%88.png'],
    ['a"b".csv', 'a_b_.csv', 'a%22b%22.csv'],
    ['50%20.csv', '50_20.csv', '50%2520.csv'],
    ["it's (1)*.csv", "it's (1)*.csv", 'it%27s%20%281%29%2A.csv'],
    ['a;b=c,d.csv', 'a;b=c,d.csv', 'a%3Bb%3Dc%2Cd.csv'],
    ['../../etc/passwd', '.._.._etc_passwd', '.._.._etc_passwd'],
    ['a\r\nSet-Cookie: b=c.csv', 'a__Set-Cookie: b=c.csv', 'a__Set-Cookie%3A%20b%3Dc.csv'],
    ['\u202egpj.exe', '_gpj.exe', '_gpj.exe'],
    ['\ud83d.csv', '_.csv', '%EF%BF%BD.csv'],
  ])('writes %j so that clients save a safe name with the same extension', (name, ascii, utf8) => {
    expect(contentDisposition(name)).toBe(
      `attachment; filename="${ascii}"; filename*=UTF-8''${utf8}`,
    )
  })

  it('leaves the name to the client if there is none', () => {
    expect(contentDisposition('')).toBe('attachment')
    expect(contentDisposition('', 'inline')).toBe('inline')
  })

  it('can be parsed back to the same name, for any name', () => {
    fc.assert(
      fc.property(anyText, (name) => {
        const { type, filename } = parseContentDisposition(contentDisposition(name))
        expect(type).toBe('attachment')
        expect(filename ?? '').toBe(cleanFilename(name))
      }),
      { seed: 1, numRuns: rounds(2000) },
    )
  })

  it('is a header that every client accepts: visible ASCII with one pair of quotes', () => {
    fc.assert(
      fc.property(anyText, (name) => {
        const header = contentDisposition(name)
        expect(header).toMatch(
          /^attachment(?:; filename="[^"\\%]+"; filename\*=UTF-8''[^"\\; ]+)?$/,
        )
        expect(header).toMatch(/^[\x20-\x7e]+$/)
      }),
      { seed: 1, numRuns: rounds(2000) },
    )
  })

  it('keeps the extension in the plain name, which decides what opens the file', () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom('.csv', '.tar.gz', '.PNG', '.x'), (name, ending) => {
        const { plain = '' } = parseContentDisposition(contentDisposition(name + ending))
        expect(plain.endsWith(ending)).toBe(true)
      }),
      { seed: 1, numRuns: rounds(200) },
    )
  })
})

describe('parseContentDisposition', () => {
  it('reads the true name instead of the placeholder that Azure and OpenAI put before it', () => {
    expect(parseContentDisposition(azureContentHeaders['content-disposition'])).toEqual({
      type: 'attachment',
      plain: 'file.png',
      extended: 'profit_by_year.png',
      filename: 'profit_by_year.png',
    })
    const { filename } = parseContentDisposition(openaiContentHeaders['content-disposition'])
    expect(stripStoredPrefix(filename ?? '')).toBe('rows.txt')
  })

  it.each([
    ['attachment', undefined],
    ['attachment; filename=a.csv', 'a.csv'],
    ['ATTACHMENT; FileName="a b.csv"', 'a b.csv'],
    ['attachment ; filename = "a.csv" ; size=3', 'a.csv'],
    ['attachment;filename="a\\"b\\\\c.csv"', 'a"b\\c.csv'],
    ['attachment; filename="a;filename*=UTF-8\'\'b.csv"', "a;filename*=UTF-8''b.csv"],
    ['attachment; name="x; filename=b.csv"; filename=a.csv', 'a.csv'],
    ["attachment; filename*=utf-8'en'%e4%bd%a0.csv; filename=b.csv", '你.csv'],
    ["attachment; filename*=ISO-8859-1''%fcber.csv", 'über.csv'],
    ['attachment; filename=a.csv; filename=b.csv', 'a.csv'],
    ['attachment; filename=""', undefined],
    ['inline; x', undefined],
    ['', undefined],
  ])('reads %j as browsers do', (header, filename) => {
    expect(parseContentDisposition(header).filename).toBe(filename)
  })

  it.each([
    ["filename*=UTF-8''%ff%fe.csv"],
    ["filename*=UTF-8''100%.csv"],
    ["filename*=ISO-8859-1''%zz.csv"],
    ["filename*=KOI8-R''%f0.csv"],
    ["filename*=UTF-8''"],
    ['filename*=b.csv'],
    ['filename*="UTF-8"'],
  ])('falls back to the plain name where %j says nothing', (extended) => {
    expect(parseContentDisposition(`attachment; ${extended}; filename="a.csv"`)).toEqual({
      type: 'attachment',
      plain: 'a.csv',
      filename: 'a.csv',
    })
  })

  it('returns nothing for a missing header', () => {
    expect(parseContentDisposition(null)).toEqual({})
  })

  it('never throws, for any header of an upstream', () => {
    const piece = fc.constantFrom(
      ';',
      'filename',
      '*',
      '=',
      '"',
      '\\',
      "'",
      'UTF-8',
      '%',
      '%f',
      ' ',
      'é',
    )
    fc.assert(
      fc.property(fc.oneof(anyText, fc.string({ unit: piece })), (rest) => {
        const { filename } = parseContentDisposition(`attachment; filename${rest}`)
        expect(filename).not.toBe('')
      }),
      { seed: 1, numRuns: rounds(2000) },
    )
  })

  it('takes linear time for a megabyte of unclosed quotes and the like', () => {
    for (const piece of [';a="', ';a=\\"', '; ', "'", '%', '\\', ';filename*=']) {
      const { filename } = parseContentDisposition(`attachment${piece.repeat(250_000)}`)
      expect(filename, piece).toBeUndefined()
    }
  })
})

describe('cleanFilename', () => {
  it('replaces each separator, control and direction character by one “_”', () => {
    const unsafe = ['/', '\\', '\0', '\x1f', '\x7f', '\x80', '\x9f']
    const directions = ['\u200e', '\u200f', '\u202a', '\u202e', '\u2066', '\u2069']
    for (const character of [...unsafe, ...directions]) {
      expect(cleanFilename(`a${character}${character}b`), JSON.stringify(character)).toBe('a__b')
    }
  })

  it('returns no name of a folder', () => {
    expect(cleanFilename('.')).toBe('_')
    expect(cleanFilename('..')).toBe('__')
    expect(cleanFilename('...')).toBe('...')
  })

  it('keeps all other characters', () => {
    const kept = [
      '.env',
      ' a ',
      'a:b*c?.csv',
      'NUL',
      'über 你好 📈.csv',
      '\u200b\u2065\u206a\u202f\xa0',
      '',
    ]
    for (const name of kept) expect(cleanFilename(name)).toBe(name)
  })

  it('changes nothing the second time, and returns only what a header can contain', () => {
    fc.assert(
      fc.property(anyText, (name) => {
        const clean = cleanFilename(name)
        expect(cleanFilename(clean)).toBe(clean)
        expect(clean.isWellFormed()).toBe(true)
        expect(clean).toHaveLength(name.length)
        expect(clean).not.toMatch(/[/\\\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u)
      }),
      { seed: 1, numRuns: rounds(2000) },
    )
  })
})

describe('stripStoredPrefix', () => {
  it.each([
    [`${'9f'.repeat(16)}-rows.csv`, 'rows.csv'],
    ['file-Qm4Vt8ZrW2xKp6LsN1bYcD-rows.csv', 'rows.csv'],
    ['assistant-Hn3Gf7TjR5wEq9XvB2mUzK-rows.csv', 'rows.csv'],
    [`file-${'0a'.repeat(16)}-my-rows.csv`, 'my-rows.csv'],
    [`assistant-${'Ab3'.repeat(8)}-file-2.csv`, 'file-2.csv'],
  ])('removes the id before %j', (stored, name) => {
    expect(stripStoredPrefix(stored)).toBe(name)
  })

  it.each([
    'file-report.csv',
    'file-2024-data.csv',
    'file-20240131-data.csv',
    'file-internationalization-notes.csv',
    'assistant-notes.csv',
    `${'9f'.repeat(15)}-rows.csv`,
    `${'9F'.repeat(16)}-rows.csv`,
    `${'9f'.repeat(16)}-`,
    `a-${'9f'.repeat(16)}-rows.csv`,
    '-',
    '',
  ])('keeps a user’s own %j', (name) => {
    expect(stripStoredPrefix(name)).toBe(name)
  })

  it('removes one prefix only, since a second one is part of the name', () => {
    const prefix = `${'9f'.repeat(16)}-`
    expect(stripStoredPrefix(`${prefix}${prefix}a.csv`)).toBe(`${prefix}a.csv`)
  })
})

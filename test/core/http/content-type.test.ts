import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  chooseContentType,
  contentSecurityPolicy,
  contentTypeOf,
  inlineContentType,
  isInlineType,
  prefersHtml,
} from '../../../src/core/http/content-type.ts'
import { azureContentHeaders, openaiContentHeaders } from '../../fixtures/http.ts'
import { rounds } from '../../lib/rounds.ts'

describe('contentTypeOf', () => {
  it.each([
    ['chart.png', 'image/png'],
    ['photo.JPG', 'image/jpeg'],
    ['rows.csv', 'text/csv; charset=utf-8'],
    ['rows.tsv', 'text/tab-separated-values; charset=utf-8'],
    ['notes.txt', 'text/plain; charset=utf-8'],
    ['notes.md', 'text/markdown; charset=utf-8'],
    ['page.html', 'text/html; charset=utf-8'],
    ['main.py', 'text/x-python; charset=utf-8'],
    ['rows.json', 'application/json'],
    ['rows.jsonl', 'application/jsonl'],
    ['book.xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
    ['rows.parquet', 'application/vnd.apache.parquet'],
    ['all.tar.gz', 'application/gzip'],
    ['sound.wav', 'audio/wav'],
    ['film.mp4', 'video/mp4'],
    ['.csv', 'text/csv; charset=utf-8'],
  ])('opens %s with the right program', (filename, type) => {
    expect(contentTypeOf(filename)).toBe(type)
  })

  it('gives an unknown file the generic type, also with the name of an inherited property', () => {
    for (const name of [
      '',
      'csv',
      'a.',
      'a.unknown',
      'a.constructor',
      'a.__proto__',
      'a.toString',
    ]) {
      expect(contentTypeOf(name), name).toBe('application/octet-stream')
    }
  })
})

describe('chooseContentType', () => {
  it('uses the name if Azure sends no type, and the type if OpenAI sends one', () => {
    const azure = new Headers(azureContentHeaders).get('content-type')
    expect(chooseContentType(azure, 'profit_by_year.png')).toBe('image/png')
    const openai = new Headers(openaiContentHeaders).get('content-type')
    expect(chooseContentType(openai, 'rows.csv')).toBe('text/plain; charset=utf-8')
  })

  it.each([
    'text/csv',
    'Text/CSV; Charset="utf-8"',
    'text/plain;',
    'text/plain; ; format=flowed',
    'application/octet-stream-of-ours',
    'application/vnd.api+json;v="a;b,\\"c"',
    "x!#$&'*+.^_`|~/y-0",
  ])('accepts %j, which is one media type', (type) => {
    expect(chooseContentType(type, 'a.png')).toBe(type)
    expect(chooseContentType(` \t${type} `, 'a.png')).toBe(type)
  })

  it.each([
    null,
    '',
    'application/octet-stream',
    'Application/Octet-Stream; charset=binary',
    'application/binary',
    'binary/octet-stream',
    'text',
    'text/',
    '/plain',
    'text/plain, text/html',
    'text/plain text/html',
    'text/plain; charset',
    'text/plain; charset = utf-8',
    'text/plain; charset="utf-8',
    'text/plain\r\nset-cookie: a=b',
    'text/plain\n',
    '<svg>/html',
    'text/plain; x=é',
  ])('treats %j as no media type', (type) => {
    expect(chooseContentType(type, 'a.png')).toBe('image/png')
    expect(chooseContentType(type, 'a')).toBe('application/octet-stream')
  })

  it('returns a valid header value for any header of an upstream', () => {
    const piece = fc.constantFrom(
      'text',
      '/',
      'html',
      ';',
      '=',
      '"',
      '\\',
      ' ',
      '\t',
      '\r\n',
      ',',
      'é',
      '\0',
    )
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: piece }), fc.string({ unit: 'binary' })), (type) => {
        expect(chooseContentType(type, 'a.png')).toMatch(/^[a-z]+\/[!-~]+(?:[ \t;][ -~\t]*)?$/)
      }),
      { seed: 1, numRuns: rounds(2000) },
    )
  })

  it('takes linear time for a megabyte that is almost a type', () => {
    const almost = ['; ', `;${' '.repeat(1000)}`, ' ', 'a', ';a="b"', ';a="\\"']
    for (const piece of almost) {
      const type = `a/b${piece.repeat(2 ** 20 / piece.length)},`
      expect(chooseContentType(type, 'a.png'), piece).toBe('image/png')
    }
  })
})

describe('isInlineType', () => {
  it.each([
    'image/png',
    'image/jpeg',
    'image/gif',
    'image/webp',
    'image/avif',
    'text/plain; charset=utf-8',
    'Text/CSV',
    'application/json',
    'application/pdf',
  ])('shows %s in the browser', (type) => {
    expect(isInlineType(type)).toBe(true)
  })

  it.each([
    'text/html; charset=utf-8',
    'TEXT/HTML',
    'application/xhtml+xml',
    'image/svg+xml',
    'application/xml',
    'text/xml',
    'text/javascript; charset=utf-8',
    'text/markdown; charset=utf-8',
    'multipart/related',
    'application/octet-stream',
    'constructor',
    '',
  ])('never shows %j, in which something could run', (type) => {
    expect(isInlineType(type)).toBe(false)
  })
})

describe('inlineContentType', () => {
  it.each([
    ['text/csv', 'text/plain; charset=utf-8'],
    ['Text/CSV; header=present; charset="latin1"', 'text/plain; charset=latin1'],
    ['image/png', 'image/png'],
    ['application/json', 'application/json'],
  ])('shows %s as %s', (type, want) => {
    expect(inlineContentType(type)).toBe(want)
  })
})

describe('contentSecurityPolicy', () => {
  it('lets a download load and run nothing', () => {
    for (const type of ['text/html', 'image/png', 'application/pdf']) {
      expect(contentSecurityPolicy(type, false)).toBe("default-src 'none'; sandbox")
    }
  })

  it('allows an inline picture or text what the browser’s viewer needs, within the sandbox', () => {
    expect(contentSecurityPolicy('image/png', true)).toMatch(
      /^default-src 'none'; sandbox; .*img-src 'self'/,
    )
  })

  it('shows a PDF without the sandbox, because PDF viewers do not work in it', () => {
    const policy = contentSecurityPolicy('Application/PDF; a=b', true)
    expect(policy).toMatch(/^default-src 'none';/)
    expect(policy).not.toMatch(/sandbox|script/)
  })
})

it.each([
  ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', true],
  ['text/html', true],
  ['TEXT/HTML ; Q=0.9 , */*;q=0.1', true],
  ['text/*, */*;q=0.5', true],
  ['*/*', false],
  [undefined, false],
  ['', false],
  ['application/json, text/plain, */*', false],
  ['text/html;q=0.5, application/json', false],
  ['text/html;q=0', false],
  ['text/html;q=nonsense', false],
  ['text/html, application/json', false],
  ['image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5', false],
  ['text/event-stream', false],
])(
  'answers Accept: %s of a browser with HTML and that of a program with JSON',
  (accept, isPage) => {
    expect(prefersHtml(accept)).toBe(isPage)
  },
)

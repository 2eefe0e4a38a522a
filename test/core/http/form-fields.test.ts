import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FormPart, parseFormBoundary, watchForm } from '../../../src/core/http/form-fields.ts'
import { rounds } from '../../lib/rounds.ts'

/** Sends a form through, cut at the given offsets. Returns the output and the fields and values that were read. */
async function through(bytes: Uint8Array, boundary: string, cuts: readonly number[] = []) {
  const parts: FormPart[] = []
  const values: string[] = []
  const places = [0, ...cuts.map((cut) => Math.floor(cut * bytes.length)), bytes.length]
  places.sort((a, b) => a - b)
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const [index, end] of places.slice(1).entries()) {
        if (end > (places[index] ?? 0)) controller.enqueue(bytes.slice(places[index], end))
      }
      controller.close()
    },
  })
  const watch = watchForm(boundary, {
    maxBytes(part) {
      parts.push(part)
      return part.isFile ? 0 : 100
    },
    async receive(_, value) {
      values.push(new TextDecoder().decode(value))
    },
  })
  const passed = new Uint8Array(await new Response(body.pipeThrough(watch)).arrayBuffer())
  return { bytes: passed, parts, values }
}

async function encode(form: FormData): Promise<{ bytes: Uint8Array; boundary: string }> {
  const request = new Request('http://form.localhost', { method: 'POST', body: form })
  const boundary = parseFormBoundary(request.headers.get('content-type') ?? '')
  return { bytes: new Uint8Array(await request.arrayBuffer()), boundary }
}

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 })
const text = (form: string): Uint8Array => new TextEncoder().encode(form)
const part = (head: string, value = 'v'): string => `--b\r\n${head}\r\n\r\n${value}\r\n`
const disposition = 'Content-Disposition: form-data; name="a"'
const whole = (...parts: string[]): Uint8Array => text(`${parts.join('')}--b--\r\n`)

describe('a form', () => {
  it('passes byte for byte and reports its fields, at any chunk boundaries', async () => {
    const field = fc.constantFrom<[string, string | File]>(
      ['file_id', 'assistant-1'],
      ['purpose', ''],
      ['file', new File(['\r\n--x\r\n\r\nname="file_id"\r\n\r\n\r\n--'], 'a "quoted" \\ nämé.csv')],
      ['files[]', new File([new Uint8Array(3000)], 'b.bin')],
      ['note', '\r\n\r\n'],
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(field, { minLength: 1, maxLength: 5 }),
        cuts,
        async (fields, places) => {
          const form = new FormData()
          for (const [name, value] of fields) form.append(name, value)
          const { bytes, boundary } = await encode(form)
          const passed = await through(bytes, boundary, places)
          expect(passed.bytes).toEqual(bytes)
          expect(passed.parts.map(({ name, isFile }) => [name, isFile])).toEqual(
            fields.map(([name, value]) => [name, value instanceof File]),
          )
          expect(passed.values).toEqual(
            fields.flatMap(([, value]) => (value instanceof File ? [] : [value])),
          )
        },
      ),
      { numRuns: rounds(100) },
    )
  })

  it.each([
    [
      'curl',
      'Content-Disposition: form-data; name="file"; filename="a%22b\\\\c.csv"\r\nContent-Type: text/csv',
    ],
    [
      'an old client on Windows',
      'Content-Disposition: form-data; name="file"; filename="C:\\tmp\\a.csv"',
    ],
    ...['undici', 'a browser', 'requests', 'httpx', 'okhttp', 'aiohttp'].map(
      (client): [string, string] => [
        `${client}, with a quote in the file name`,
        'Content-Disposition: form-data; name="file"; filename="a %22b%22; c=d.csv"',
      ],
    ),
    ...['Go', 'curl before 7.81', 'curl --form-escape'].map((client): [string, string] => [
      `${client}, with quotes and a backslash in the file name`,
      'Content-Disposition: form-data; name="file"; filename="\\"a\\" \\\\ \\"b\\".csv"\r\nContent-Type: text/csv',
    ]),
    [
      'a client that says how a file is encoded',
      `${disposition}; filename="a"\r\nContent-Type: text/csv; charset=utf-16le; header=present`,
    ],
    [
      'aiohttp',
      'Content-Type: text/csv\r\nContent-Disposition: form-data; name="file"; filename="a.csv"; filename*=utf-8\'\'%C3%A4.csv',
    ],
    [
      'okhttp',
      'Content-Disposition: form-data; name="file"; filename="ä.csv"\r\nContent-Length: 1',
    ],
    ['.NET', "Content-Disposition: form-data; name=file; filename=a.csv; filename*=utf-8''a.csv"],
    [
      'a client that spells out how bytes are sent',
      `${disposition}; filename="a"\r\nContent-Transfer-Encoding: binary`,
    ],
  ])('passes as it is written by %s', async (_, head) => {
    const bytes = whole(part(head))
    expect((await through(bytes, 'b')).parts).toMatchObject([{ isFile: true }])
  })

  it.each([
    'text/plain',
    'text/plain; charset=utf-8',
    'text/plain;charset="UTF-8"',
    'text/plain; charset=ISO-8859-1',
    'text/plain; charset=US-ASCII',
    'application/json; charset=utf-8',
  ])('passes with a field of the type %s', async (type) => {
    const bytes = whole(part(`${disposition}\r\nContent-Type: ${type}`))
    expect((await through(bytes, 'b')).values).toEqual(['v'])
  })

  it('passes without a final line end and without parts', async () => {
    await through(text(`${part(disposition)}--b--`), 'b')
    await through(text('--b--\r\n'), 'b')
  })

  it.each<[string, Uint8Array]>([
    ['nothing', text('')],
    ['something before it', text(`x\r\n${part(disposition)}--b--\r\n`)],
    ['a line end before it', text(`\r\n${part(disposition)}--b--\r\n`)],
    ['something behind it', text(`${part(disposition)}--b--\r\nx`)],
    ['another form behind it', text(`${part(disposition)}--b--\r\n${part(disposition)}--b--\r\n`)],
    ['no end', text(part(disposition))],
    ['half an end', text(`${part(disposition)}--b-`)],
    ['line feeds alone', text('--b\nContent-Disposition: form-data; name="a"\n\nv\n--b--\n')],
    [
      'a delimiter behind a bare line feed',
      whole(part(disposition, `x\n--b\r\n${disposition}\r\n\r\ny`)),
    ],
    [
      'a delimiter behind a bare return',
      whole(part(disposition, `x\r--b\r\n${disposition}\r\n\r\ny`)),
    ],
    ['a delimiter inside a line', whole(part(disposition, `x--b\r\n${disposition}\r\n\r\ny`))],
    ['a delimiter without a line end before it', text(`--b\r\n${disposition}\r\n\r\n--b--\r\n`)],
    ['a line that begins with the boundary', whole(part(disposition, 'x\r\n--bc\r\ny'))],
    ['a delimiter with blanks behind it', text(`--b \r\n${disposition}\r\n\r\nv\r\n--b--\r\n`)],
    ['the boundary in a head', whole(part(`${disposition}\r\nX: --b`))],
    ['a part without a head', whole('--b\r\n\r\nv\r\n')],
    ['no disposition', whole(part('Content-Type: text/plain'))],
    ['two dispositions', whole(part(`${disposition}\r\n${disposition.replace('"a"', '"b"')}`))],
    ['a folded head', whole(part(`Content-Disposition: form-data;\r\n name="a"`))],
    ['a head with a bare line feed', whole(part(`X: y\n${disposition}`))],
    [
      'a head with a blank before its colon',
      whole(part('Content-Disposition : form-data; name="a"')),
    ],
    [
      'a head that is not UTF-8',
      Uint8Array.from(whole(part(`${disposition}; filename="@"`)), (code) =>
        code === 64 ? 0xc0 : code,
      ),
    ],
    ['a name that is half in quotes', whole(part('Content-Disposition: form-data; name=a"b"'))],
    [
      'a head that looks like the disposition',
      whole(part(`${disposition}\r\nX-Content-Disposition: form-data; name="b"`)),
    ],
    ['an extended name', whole(part(`Content-Disposition: form-data; name*=utf-8''a`))],
    ['a name in pieces', whole(part('Content-Disposition: form-data; name*0="a"; name*1="b"'))],
    ['two names', whole(part(`${disposition}; name="b"`))],
    ['no name', whole(part('Content-Disposition: form-data'))],
    ['a name with an escape', whole(part('Content-Disposition: form-data; name="file\\_id"'))],
    [
      'a file name that hides a name',
      whole(part('Content-Disposition: form-data; filename="a\\"; name="b"; x="')),
    ],
    ...[
      'filename="a\\"; name=\\"b"',
      'filename="a\\" name=b"',
      'filename="a\\";b"',
      'filename="a\\";"',
      'filename="a\\"b"; x=y',
      'filename="a\\"b"; filename*=utf-8\'\'a',
      'filename="a\\"',
    ].map((odd): [string, Uint8Array] => [
      `a file name that ends at one of two quotes: ${odd}`,
      whole(part(`${disposition}; ${odd}`)),
    ]),
    [
      'a name behind a file name that ends at one of two quotes',
      whole(part('Content-Disposition: form-data; filename="a\\"b"; name="x; name=y; z="')),
    ],
    ...['multipart/mixed; boundary=c', 'Multipart/Form-Data; boundary=b', 'multipart/'].flatMap(
      (type): [string, Uint8Array][] => [
        [`a form inside, ${type}`, whole(part(`${disposition}\r\nContent-Type: ${type}`))],
        [
          `a form inside a file, ${type}`,
          whole(part(`${disposition}; filename="a"\r\nContent-Type: ${type}`)),
        ],
      ],
    ),
    ...[
      'text/plain; charset=utf-16',
      'text/plain; charset=utf-7',
      'text/plain; charset=ibm037',
      'application/json; charset=utf-16le',
      'text/plain; charset=utf-8; charset=utf-16',
      "text/plain; charset*=utf-8''utf-16",
      'text/plain; CHARSET = utf-16',
      'text/plain charset=utf-16',
      'text/plain, text/plain; charset=utf-16',
      'text',
    ].map((type): [string, Uint8Array] => [
      `a field in another encoding, ${type}`,
      whole(part(`${disposition}\r\nContent-Type: ${type}`)),
    ]),
    [
      'a field that names the encoding of the others',
      whole(part(disposition.replace('"a"', '"_charset_"'), 'utf-16')),
    ],
    ['a disposition of another kind', whole(part('Content-Disposition: attachment; name="a"'))],
    ['a transfer encoding', whole(part(`${disposition}\r\nContent-Transfer-Encoding: base64`))],
    ['a wrong length', whole(part(`${disposition}\r\nContent-Length: 2`))],
    ['a field that is too long', whole(part(disposition, 'x'.repeat(101)))],
    ['a head that is too long', whole(part(`${disposition}\r\nX: ${'x'.repeat(20_000)}`))],
  ])('is refused with %s, however it is cut', async (_, bytes) => {
    for (const places of [
      [],
      [0.3, 0.6],
      Array.from(bytes, (__, at) => at / bytes.length).slice(0, 300),
    ]) {
      await expect(through(bytes, 'b', places)).rejects.toMatchObject({ code: 'invalid_request' })
    }
  })
})

describe('the boundary of a form', () => {
  it.each([
    ['multipart/form-data; boundary=----WebKitFormBoundaryA1b2', '----WebKitFormBoundaryA1b2'],
    ['Multipart/Form-Data; charset=utf-8; Boundary="----=_Part_1"', '----=_Part_1'],
  ])('is read: %s', (type, boundary) => {
    expect(parseFormBoundary(type)).toBe(boundary)
  })

  it.each([
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=""',
    'multipart/form-data; boundary=a; boundary=b',
    'multipart/form-data; boundary=a, multipart/form-data; boundary=b',
    'multipart/form-data; boundary=a; BOUNDARY=b',
    "multipart/form-data; boundary*=utf-8''a",
    'multipart/form-data; boundary=a; boundary*0=b',
    'multipart/form-data; boundary="a\\"b"',
    'multipart/form-data; boundary="a b"',
    'multipart/form-data; boundary=a b',
    `multipart/form-data; boundary=${'a'.repeat(71)}`,
    'multipart/form-data boundary=a',
    'multipart/mixed; boundary=a',
    'multipart/form-data;; boundary=a',
    'multipart/form-data; charset=utf-16; boundary=a',
    'multipart/form-data; boundary=a; charset="utf-7"',
    'multipart/form-data; boundary=a; charset=utf-8; charset=utf-16',
    "multipart/form-data; boundary=a; charset*=utf-8''utf-16",
  ])('is refused where it can be read in two ways: %s', (type) => {
    expect(() => parseFormBoundary(type)).toThrow('with one boundary')
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../lib/rounds.ts'
import { foreign, openTarget } from './hostile-bodies.ts'
import { type Field, isForeign, readLines, readPlatform, splitForm } from './lenient-forms.ts'

const name = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('file_id', 'file_ids[]', 'purpose', 'file') },
  fc.constantFrom(
    'FILE_ID',
    'file\\_id',
    'file%5Fid',
    ' file_id',
    'file_id\0',
    'x"; name="file_id',
  ),
)
const value = fc.oneof(
  fc.constantFrom(
    'file-ann',
    'assistants',
    ' file-ann ',
    '',
    'file-ann\0',
    'file-ann\r\n',
    '--b',
    '\r\n--b',
  ),
  fc.constantFrom('\r\n--bx', '\n--b\n', 'x--b--'),
)
const parameter = fc.oneof(
  { weight: 6, arbitrary: name.map((text) => `; name="${text}"`) },
  fc.constantFrom(
    '; filename="a"',
    '; filename="a\\"',
    "; name*=utf-8''file_id",
    '; name=file_id',
    ';name="x"',
    '; filename="a; name=\\"file_id\\""',
    '; filename="a\\"b"',
    '; filename="a\\" name=file_id"',
    '; filename="\\"; name=file_id"',
    '; name="x; name=file_id; y="',
  ),
)
const disposition = fc
  .tuple(
    fc.constantFrom('Content-Disposition', 'content-disposition ', 'X-Content-Disposition'),
    fc.array(parameter, { minLength: 1, maxLength: 2 }),
  )
  .map(([key, parameters]) => `${key}: form-data${parameters.join('')}`)
const usual = name.map((text) => `Content-Disposition: form-data; name="${text}"`)
const line = fc.oneof(
  { weight: 3, arbitrary: usual },
  disposition,
  fc.constantFrom(
    'Content-Type: text/plain',
    'Content-Transfer-Encoding: base64',
    'Content-Type: text/plain; charset=utf-7',
    'Content-Type: multipart/mixed; boundary=c',
    ' name="file_id"',
    'X: --b',
    '',
  ),
)
const end = fc.oneof(
  { weight: 12, arbitrary: fc.constant('\r\n') },
  fc.constantFrom('\n', '\r', '\r\n\r\n', ' \r\n'),
)
const oddPart = fc
  .tuple(
    fc.array(line, { minLength: 1, maxLength: 2 }),
    value,
    fc.array(end, { minLength: 4, maxLength: 4 }),
  )
  .map(([head, text, [first, second, third, fourth]]) => {
    return `--b${first}${head.join(second)}${third}${fourth}${text}\r\n`
  })
const cleanPart = fc
  .tuple(
    fc.constantFrom('purpose', 'note', 'anchor'),
    fc.constantFrom('assistants', 'file-ann', '\n\n', ''),
  )
  .map(([key, text]) => `--b\r\nContent-Disposition: form-data; name="${key}"\r\n\r\n${text}\r\n`)
const part = fc.oneof({ weight: 2, arbitrary: cleanPart }, oddPart)
const form = fc
  .record({
    parts: fc.array(part, { minLength: 1, maxLength: 3 }),
    before: fc.oneof(
      { weight: 8, arbitrary: fc.constant('') },
      fc.constantFrom('\r\n', 'x\r\n', '--x\r\n'),
    ),
    last: fc.oneof(
      { weight: 8, arbitrary: fc.constant('--b--\r\n') },
      fc.constantFrom('--b--', '--b', '', '--b--\r\nx'),
    ),
    type: fc.oneof(
      { weight: 8, arbitrary: fc.constant('multipart/form-data; boundary=b') },
      fc.constantFrom(
        'multipart/form-data; boundary=x; boundary=b',
        'multipart/form-data; boundary="b"',
        'multipart/mixed; boundary=b',
      ),
    ),
    flips: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), {
      maxLength: 1,
    }),
  })
  .map(({ parts, before, last, type, flips }) => {
    const bytes = new TextEncoder().encode(before + parts.join('') + last)
    for (const [at, byte] of flips) bytes[Math.floor(at * bytes.length)] = byte
    return { bytes, type }
  })

describe('a form in which some parser finds a file of another owner', () => {
  it('is refused, and nothing of it goes upstream', async () => {
    const send = await openTarget('/openai/v1/containers/cntr_bob/files')
    let found = 0
    let passed = 0
    await fc.assert(
      fc.asyncProperty(form, async ({ bytes, type }) => {
        const read: Field[][] = [
          splitForm(bytes, 'b'),
          readLines(bytes, 'b'),
          await readPlatform(bytes, type),
        ]
        const { status, isSent } = await send({ bytes, headers: { 'content-type': type } })
        if (isSent) passed += 1
        if (!read.flat().some((field) => isForeign(field, foreign))) return
        found += 1
        expect(status).toBeGreaterThanOrEqual(400)
        expect(status).toBeLessThan(500)
        expect(isSent).toBe(false)
      }),
      { numRuns: rounds(500, 40_000), seed: rounds(1, Date.now()) },
    )
    // Both cases must occur often enough for the property to mean something.
    expect(found).toBeGreaterThan(20)
    expect(passed).toBeGreaterThan(5)
  })
})

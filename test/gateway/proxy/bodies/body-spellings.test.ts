/**
 * JSON bodies that parsers read differently, each with an id of another owner.
 */

import { describe, expect, it } from 'vitest'
import { type CallersHarness, openCallers, refusal } from '../../../lib/callers.ts'
import { json, openHarness, responseRequest } from '../../../lib/harness.ts'

const encoder = new TextEncoder()

/** Things of ann, which bob tries to name. */
async function possess(gateway: CallersHarness) {
  const form = new FormData()
  form.set('purpose', 'assistants')
  form.set('file', new File(['a'], 'a.txt'))
  const made = await gateway.as('ann').ask('/openai/v1/files', { method: 'POST', body: form })
  const { id: upload } = (await made.json()) as { id: string }
  const { id, file } = await gateway.as('ann').answer('Save the numbers as a CSV.')
  await gateway.requests()
  return { upload, response: id, container: file.container_id, file: file.file_id }
}

type Things = Awaited<ReturnType<typeof possess>>

/** Sends a body as bob and returns its error. The upstream must get nothing. */
async function refuse(
  write: (things: Things) => string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  path = '/openai/v1/responses',
) {
  const gateway = openCallers()
  const body = write(await possess(gateway))
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body }
  const answer = await refusal(await gateway.as('bob').ask(path, init))
  expect(await gateway.requests()).toEqual([])
  return answer
}

const invalid = { status: 400, error: { code: 'invalid_request', type: 'invalid_request_error' } }

function utf16(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (unit) => unit.charCodeAt(0)).reduce(
    (bytes, code, index) => bytes.fill(code, 2 * index, 2 * index + 1),
    new Uint8Array(2 * text.length),
  )
}

function withBytes(text: string, place: string, bytes: readonly number[]): Uint8Array<ArrayBuffer> {
  const [before = '', after = ''] = text.split(place)
  return Uint8Array.from([...encoder.encode(before), ...bytes, ...encoder.encode(after)])
}

const named = ({ response }: Things, more = '') =>
  `{"model":"m","input":"hi",${more}"previous_response_id":"${response}"}`

describe('a body that is not strict JSON is refused before it goes upstream', () => {
  it.each<[string, (things: Things) => string | Uint8Array<ArrayBuffer>]>([
    ['NaN', (things) => named(things, '"temperature":NaN,')],
    ['Infinity', (things) => named(things, '"temperature":-Infinity,')],
    ['a comment', (things) => named(things, '/* */')],
    ['a comment of one line', (things) => `// hi\n${named(things)}`],
    ['a comma too many', (things) => named(things).replace('}', ',}')],
    ['single quotes', (things) => named(things).replaceAll('"', "'")],
    ['a key without quotes', (things) => named(things, 'seed:1,')],
    ['a hexadecimal number', (things) => named(things, '"seed":0x10,')],
    ['a plus sign', (things) => named(things, '"seed":+1,')],
    ['a line feed in a string', (things) => named(things, '"user":"a\nb",')],
    ['a tab in a string', (things) => named(things, '"user":"a\tb",')],
    ['bytes that are no UTF-8', (things) => withBytes(named(things, '"user":"@",'), '@', [0xff])],
    ['an overlong slash', (things) => withBytes(named(things, '"user":"@",'), '@', [0xc0, 0xaf])],
    [
      'a surrogate in UTF-8',
      (things) => withBytes(named(things, '"user":"@",'), '@', [0xed, 0xa0, 0x80]),
    ],
    ['a byte order mark', (things) => `\ufeff${named(things)}`],
    ['UTF-16', (things) => utf16(named(things))],
    ['two values', (things) => `{}${named(things)}`],
    ['a value for each line', (things) => `${named(things)}\n${named(things)}`],
    ['a NUL behind it', (things) => `${named(things)}\0`],
    ['something behind it', (things) => `${named(things)}x`],
  ])('%s', async (_, write) => {
    expect(await refuse(write)).toMatchObject(invalid)
  })

  it('a body with a content encoding', async () => {
    expect(await refuse(named, { 'content-encoding': 'gzip' })).toMatchObject(invalid)
    expect(await refuse(named, { 'content-encoding': 'gzip, identity' })).toMatchObject(invalid)
  })

  it.each([
    'application/x-www-form-urlencoded',
    'text/plain',
    'application/json; charset=utf-16',
    'application/jsonl',
    'application/json, text/plain',
    'multipart/form-data; boundary=x',
    'multipart/mixed; boundary=x',
    '',
  ])('JSON as %s', async (type) => {
    expect(await refuse(named, { 'content-type': type })).toMatchObject(invalid)
  })

  it('a form instead of parameters', async () => {
    const form = ({ response }: Things) => `model=m&input=hi&previous_response_id=${response}`
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    expect(await refuse(form, type)).toMatchObject(invalid)
  })
})

describe('an ambiguous name is refused before it goes upstream', () => {
  const tools = (container: string) =>
    `{"tools":[{"type":"code_interpreter","container":${container}}]}`
  it.each<[string, (things: Things) => string]>([
    ['a key that stands twice', (things) => named(things, '"previous_response_id":null,')],
    ['twice, once with an escape', (things) => named(things, '"previous\\u005fresponse_id":null,')],
    ['in another case', (things) => named(things).replace('previous_', 'Previous_')],
    ['in capitals', ({ file }) => `{"input":[{"FILE_ID":"${file}"}]}`],
    [
      'with a letter that folds to another',
      ({ file }) => `{"input":[{"\u017fource":{"id":"${file}"}}]}`,
    ],
    ['with a blank', (things) => named(things).replace('response_id', 'response_id ')],
    ['with a NUL', (things) => named(things).replace('response_id', 'response_id\\u0000')],
    ['an id with blanks', (things) => named(things).replace('resp_', ' resp_')],
    ['an id with a line feed', (things) => named(things).replace('resp_', '\\nresp_')],
    ['an empty id', () => '{"previous_response_id":""}'],
    ['a lone surrogate', () => '{"previous_response_id":"resp_\\ud800"}'],
    ['a number', () => '{"previous_response_id":17}'],
    ['a list in the place of an id', ({ response }) => `{"previous_response_id":["${response}"]}`],
    [
      'an object in the place of an id',
      ({ response }) => `{"previous_response_id":{"id":"${response}"}}`,
    ],
    ['an object in the place of a list', ({ upload }) => `{"file_ids":{"0":"${upload}"}}`],
    ['an id in the place of a list', ({ upload }) => `{"file_ids":"${upload}"}`],
    ['a list in a list', ({ upload }) => `{"file_ids":[["${upload}"]]}`],
    ['an object in a list of ids', ({ upload }) => `{"file_ids":[{"id":"${upload}"}]}`],
    ['a container of a wrong prefix', ({ response }) => tools(`"${response}"`)],
    ['a list of containers', ({ container }) => tools(`["${container}"]`)],
    [
      'a file of a wrong prefix',
      () => '{"input":[{"content":[{"type":"input_file","file_id":"id-1"}]}]}',
    ],
    ['an object for the id of an object', ({ container }) => tools(`{"id":{"id":"${container}"}}`)],
    [
      'two types, one of which quotes',
      ({ file, container }) =>
        `{"input":[{"content":[{"type":"x","type":"output_text","annotations":[{"file_id":"${file}","container_id":"${container}"}]}]}]}`,
    ],
  ])('%s', async (_, write) => {
    expect(await refuse(write)).toMatchObject(invalid)
  })

  it('but a key that is written with escapes is read as the same key', async () => {
    const escaped = (things: Things) =>
      named(things).replace('previous_response_id', '\\u0070revious_response_id')
    expect(await refuse(escaped)).toMatchObject({ status: 404, error: { code: 'not_found' } })
  })

  it('with the key and what it takes in the error', async () => {
    expect(await refuse(() => '{"file_ids":"file-1"}')).toMatchObject({
      error: { message: '"file_ids" is not a list of ids of a file.', param: 'file_ids' },
    })
  })
})

describe('other spellings that clients use', () => {
  const ask = async (body: BodyInit, headers: Record<string, string> = {}) => {
    const gateway = openCallers()
    await gateway.requests()
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    }
    return gateway.as('ann').ask('/openai/v1/responses', init)
  }

  it.each([
    [
      'null in the place of an id',
      { previous_response_id: null, conversation: null, prompt: null },
    ],
    [
      'the parameters of a function that are called like ids',
      {
        tools: [
          {
            type: 'function',
            name: 'f',
            parameters: {
              type: 'object',
              properties: { file_id: { type: 'string' }, File_ID: {} },
            },
          },
        ],
      },
    ],
    [
      'a schema of an answer',
      {
        text: {
          format: { type: 'json_schema', name: 'a', schema: { container: 'any', file_ids: 'x' } },
        },
      },
    ],
    ['metadata', { metadata: { file_id: 'none of yours', Container_ID: 'x' } }],
  ])('passes: %s', async (_, more) => {
    expect((await ask(JSON.stringify(responseRequest('hi', more)))).status).toBe(200)
  })

  it('pass with a charset, and with an identity encoding', async () => {
    const body = JSON.stringify(responseRequest('hi'))
    const headers = {
      'content-type': 'application/json; charset=UTF-8',
      'content-encoding': 'identity',
    }
    expect((await ask(body, headers)).status).toBe(200)
  })

  it('pass without a body, with any content type', async () => {
    const gateway = openCallers()
    const request = responseRequest('hi', { background: true })
    const made = await gateway.as('ann').ask('/openai/v1/responses', json(request))
    const { id } = (await made.json()) as { id: string }
    const init = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '' }
    const answer = await gateway.as('ann').ask(`/openai/v1/responses/${id}/cancel`, init)
    expect(answer.status).toBeLessThan(500)
    expect((await gateway.requests()).map(({ path }) => path)).toContain(
      `/openai/v1/responses/${id}/cancel`,
    )
  })
})

describe('without caller auth', () => {
  it('the upstream refuses a body that is not JSON', async () => {
    const harness = openHarness()
    const init = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{"a":NaN}' }
    await harness.ask('/openai/v1/responses', init)
    expect(await harness.requests()).toHaveLength(1)
  })
})

/**
 * Every message for a wrong body or query of cfile's own routes, as a caller reads it.
 */

import { expect, it } from 'vitest'
import { type Harness, json, openHarness } from '../lib/harness.ts'

const file = 'cfile_6b063feb1cc7c4d4adcaf0f4033ea36e'
const container = 'cntr_6b063feb1cc7c4d4adcaf0f4033ea36e'

/** The status, code, parameter and message of each refusal. */
async function messages(
  { ask }: Harness,
  requests: readonly (readonly [path: string, init?: RequestInit])[],
): Promise<string> {
  const lines = requests.map(async ([path, init]) => {
    const answer = await ask(path, init)
    const { error } = (await answer.json()) as { error?: Record<string, unknown> }
    if (error === undefined) return `${answer.status}: accepted`
    const { code, param, message, hint } = error
    return [answer.status, code, param, message, hint]
      .filter((part) => part !== undefined)
      .join(' | ')
  })
  return (await Promise.all(lines)).join('\n')
}

it('says which query parameter is wrong', async () => {
  const list = `/containers/${container}/files`
  const queries = [
    `/files/${file}?disposition=open`,
    `/files/${file}?disposition=`,
    `/files/${file}?disposition=inline&disposition=inline`,
    `/files/${file}?container_id=x`,
    `/files/${file}?container_id=`,
    `/files/${file}?container_id=${container}&container_id=${container}`,
    '/files/x',
    `${list}/${file}?disposition=open`,
    `${list}/file-abcdefgh`,
    `${list}?all=yes`,
    `${list}?all=`,
    `${list}?all=1&all=0`,
    '/containers/x/files',
    `/containers/${container}/path/a.csv?disposition=open`,
    `/openai/v1/files/${file}?container_id=x`,
    `/openai/v1/files/${file}/content?disposition=open`,
  ]
  expect(
    await messages(
      openHarness(),
      queries.map((path) => [path]),
    ),
  ).toMatchInlineSnapshot(`
    "400 | invalid_request | disposition | The parameter disposition takes attachment or inline.
    400 | invalid_request | disposition | The parameter disposition takes attachment or inline.
    400 | invalid_request | disposition | The parameter disposition is given 2 times; give it once.
    400 | invalid_id | container_id | "x" is not a container id; it starts with cntr_ and has at most 128 letters, digits, "_" and "-".
    400 | invalid_id | container_id | "" is not a container id; it starts with cntr_ and has at most 128 letters, digits, "_" and "-".
    400 | invalid_request | container_id | The parameter container_id is given 2 times; give it once.
    400 | invalid_id | file_id | "x" is not a file id; it starts with cfile_, file- or assistant- and has at most 128 letters, digits, "_" and "-".
    400 | invalid_request | disposition | The parameter disposition takes attachment or inline.
    400 | invalid_id | file_id | file-abcdefgh is a file of the Files API and is in no container. | Ask for /files/file-abcdefgh.
    400 | invalid_request | all | The parameter all takes 1.
    400 | invalid_request | all | The parameter all takes 1.
    400 | invalid_request | all | The parameter all is given 2 times; give it once.
    400 | invalid_id | container_id | "x" is not a container id; it starts with cntr_ and has at most 128 letters, digits, "_" and "-".
    400 | invalid_request | disposition | The parameter disposition takes attachment or inline.
    400 | invalid_id | container_id | "x" is not a container id; it starts with cntr_ and has at most 128 letters, digits, "_" and "-".
    400 | invalid_request | disposition | The parameter disposition takes attachment or inline."
  `)
})

it('says what is wrong with a body for POST /links', async () => {
  const bodies: unknown[] = [
    [],
    null,
    {},
    { file_id: 7 },
    { file_id: 'x' },
    { file_id: file, container_id: 7 },
    { file_id: file, container_id: 'x' },
    { file_id: file, expires_in: 0 },
    { file_id: file, expires_in: '60' },
    { file_id: file, expires_in: 1.5 },
    { file_id: file, expires_in: 31_536_001 },
    { file_id: file, expires_in: null },
    { file_id: file, disposition: 'open' },
    { file_id: file, filename: 7 },
    { file_id: file, path: 'a' },
    { container_id: container },
    { container_id: container, kind: 'file' },
    { container_id: container, kind: null },
    { container_id: 7, kind: 'zip' },
    { kind: 'zip' },
    { container_id: 'x', kind: 'zip' },
    { container_id: container, kind: 'zip', expires_in: -1 },
    { container_id: container, kind: 'zip', file_id: file },
  ]
  const requests = bodies.map((body) => ['/links', json(body)] as const)
  const doubled = `{"file_id":"${file}","file_id":"${file}"}`
  const broken = ['', '{', '{"file_id":NaN}', doubled, `\uFEFF{"file_id":"${file}"}`].map(
    (body) => ['/links', { ...json({}), body }] as const,
  )
  expect(await messages(openHarness(), [...requests, ...broken])).toMatchInlineSnapshot(`
    "400 | invalid_request |  | The body is not a JSON object; post {"file_id": "cfile_…"} or {"container_id": "cntr_…", "kind": "page" or "zip"}.
    400 | invalid_request |  | The body is not a JSON object; post {"file_id": "cfile_…"} or {"container_id": "cntr_…", "kind": "page" or "zip"}.
    400 | invalid_id | file_id | file_id is missing; post {"file_id": "cfile_…"} or {"container_id": "cntr_…", "kind": "page" or "zip"}.
    400 | invalid_request | file_id | file_id takes a string.
    400 | invalid_id | file_id | "x" is not a file id; it starts with cfile_, file- or assistant- and has at most 128 letters, digits, "_" and "-".
    400 | invalid_request | container_id | container_id takes a string.
    400 | invalid_id | container_id | "x" is not a container id; it starts with cntr_ and has at most 128 letters, digits, "_" and "-".
    400 | invalid_request | expires_in | expires_in takes a whole number of seconds, 1 to 31536000.
    400 | invalid_request | expires_in | expires_in takes a whole number of seconds, 1 to 31536000.
    400 | invalid_request | expires_in | expires_in takes a whole number of seconds, 1 to 31536000.
    400 | invalid_request | expires_in | expires_in takes a whole number of seconds, 1 to 31536000.
    400 | invalid_request | expires_in | expires_in takes a whole number of seconds, 1 to 31536000.
    400 | invalid_request | disposition | disposition takes "attachment" or "inline".
    400 | invalid_request | filename | filename takes a string.
    400 | invalid_request | path | A field is not known here; post {"file_id": "cfile_…"} or {"container_id": "cntr_…", "kind": "page" or "zip"}.
    400 | invalid_id | file_id | file_id is missing; post {"file_id": "cfile_…"} or {"container_id": "cntr_…", "kind": "page" or "zip"}.
    400 | invalid_request | kind | kind takes "page" or "zip".
    400 | invalid_request | kind | kind takes "page" or "zip".
    400 | invalid_request | container_id | container_id takes a string.
    400 | invalid_id | container_id | container_id is missing; post {"file_id": "cfile_…"} or {"container_id": "cntr_…", "kind": "page" or "zip"}.
    400 | invalid_id | container_id | "x" is not a container id; it starts with cntr_ and has at most 128 letters, digits, "_" and "-".
    400 | invalid_request | expires_in | expires_in takes a whole number of seconds, 1 to 31536000.
    400 | invalid_request | file_id | A field is not known here; post {"file_id": "cfile_…"} or {"container_id": "cntr_…", "kind": "page" or "zip"}.
    400 | invalid_request |  | The body is not a JSON object; post {"file_id": "cfile_…"} or {"container_id": "cntr_…", "kind": "page" or "zip"}.
    400 | invalid_request |  | The body is not a JSON object; post {"file_id": "cfile_…"} or {"container_id": "cntr_…", "kind": "page" or "zip"}.
    400 | invalid_request |  | The body is not a JSON object; post {"file_id": "cfile_…"} or {"container_id": "cntr_…", "kind": "page" or "zip"}.
    400 | invalid_request | file_id | The body has the key "file_id" twice in one object. | Write each key once: parsers differ in which of two values they use.
    400 | invalid_request |  | The body is not JSON: at byte 0, a value belongs here. | Send one JSON value as in RFC 8259, in UTF-8 without a byte order mark."
  `)
})

it('says what is wrong with a body for POST /captures', async () => {
  const bodies: unknown[] = [[], 7, { response_id: 7 }, { response_id: 'a/b' }, { response_id: '' }]
  const requests = bodies.map((body) => ['/captures', json(body)] as const)
  const broken = ['', '{'].map((body) => ['/captures', { ...json({}), body }] as const)
  expect(await messages(openHarness(), [...requests, ...broken])).toMatchInlineSnapshot(`
    "400 | invalid_request |  | The body is not a JSON object; post a Responses object or one of its items, {"response_id": "resp_…"}, its events as text/event-stream, an object with tool_calls[].function.output.files, or an answer as an SDK hands it on: a message of LangChain with content[].annotations, a result or message of the AI SDK with source parts, an item of the Agents SDK with raw_item.
    400 | invalid_request |  | The body is not a JSON object; post a Responses object or one of its items, {"response_id": "resp_…"}, its events as text/event-stream, an object with tool_calls[].function.output.files, or an answer as an SDK hands it on: a message of LangChain with content[].annotations, a result or message of the AI SDK with source parts, an item of the Agents SDK with raw_item.
    400 | invalid_id | response_id | response_id is not a response id.
    400 | invalid_id | response_id | response_id is not a response id.
    400 | invalid_id | response_id | response_id is not a response id.
    400 | invalid_request |  | The body is not a JSON object; post a Responses object or one of its items, {"response_id": "resp_…"}, its events as text/event-stream, an object with tool_calls[].function.output.files, or an answer as an SDK hands it on: a message of LangChain with content[].annotations, a result or message of the AI SDK with source parts, an item of the Agents SDK with raw_item.
    400 | invalid_request |  | The body is not a JSON object; post a Responses object or one of its items, {"response_id": "resp_…"}, its events as text/event-stream, an object with tool_calls[].function.output.files, or an answer as an SDK hands it on: a message of LangChain with content[].annotations, a result or message of the AI SDK with source parts, an item of the Agents SDK with raw_item."
  `)
  const strict = openHarness({ captures: 'response_id', maxBodyBytes: 30 })
  const large = json({ output: [], id: 'resp_0123456789012345' })
  expect(
    await messages(strict, [
      ['/captures', json({ output: [] })],
      ['/captures', large],
    ]),
  ).toMatchInlineSnapshot(`
    "400 | invalid_request | CFILE_CAPTURES | Posted answers are not accepted here; post {"response_id": "resp_…"}, and cfile reads the answer from the upstream.
    413 | payload_too_large | CFILE_MAX_BODY_BYTES | The body is larger than the 30 bytes that are read."
  `)
})

import { describe, expect, it } from 'vitest'
import { type CallersHarness, openCallers, refusal } from '../../lib/callers.ts'
import { json } from '../../lib/harness.ts'

async function possess(gateway: CallersHarness) {
  const form = new FormData()
  form.set('purpose', 'assistants')
  form.set('file', new File(['a'], 'a.txt'))
  const made = await gateway.as('ann').ask('/openai/v1/files', { method: 'POST', body: form })
  const { id: upload } = (await made.json()) as { id: string }
  const container = await gateway.as('bob').ask('/openai/v1/containers', json({ name: 'b' }))
  const { id } = (await container.json()) as { id: string }
  await gateway.requests()
  return { upload, path: `/openai/v1/containers/${id}/files` }
}

interface Field {
  readonly name: string
  readonly value: string
  readonly more?: string
}

function write(fields: readonly Field[]): RequestInit {
  const parts = fields.map(
    ({ name, value, more = '' }) =>
      `--b0\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`,
  )
  const headers = { 'content-type': 'multipart/form-data; boundary=b0' }
  return { method: 'POST', headers, body: `${parts.join('')}--b0--\r\n` }
}

describe('a form that names a file of another owner', () => {
  it.each([
    'file_id',
    'file_ids',
    'file_id[]',
    'file_ids[]',
    'file_ids[0]',
    'input_reference[file_id]',
    'source[id]',
    'file',
  ])(
    'as %s gets the error of a file that does not exist, and the upstream gets nothing',
    async (name) => {
      const gateway = openCallers()
      const { upload, path } = await possess(gateway)
      const ask = async (value: string) =>
        refusal(await gateway.as('bob').ask(path, write([{ name, value }])))
      const theirs = await ask(upload)
      expect(theirs).toMatchObject({ status: 404, error: { code: 'file_not_found' } })
      expect(await ask('file-nobodys')).toEqual(theirs)
      expect(await gateway.requests()).toEqual([])
    },
  )

  it.each<[string, (upload: string) => Field]>([
    ['a blank before the id', (upload) => ({ name: 'file_id', value: ` ${upload}` })],
    ['a line end behind the id', (upload) => ({ name: 'file_id', value: `${upload}\r\n` })],
    [
      'a file for a field',
      (upload) => ({ name: 'file_id', value: upload, more: '; filename="a"' }),
    ],
    ['capitals', (upload) => ({ name: 'FILE_ID', value: upload })],
    ['another separator', (upload) => ({ name: 'file-id', value: upload })],
    ['a percent sign', (upload) => ({ name: 'file%5Fid', value: upload })],
    ['a blank in the name', (upload) => ({ name: ' file_id', value: upload })],
    ['an encoded word', (upload) => ({ name: '=?utf-8?q?file=5Fid?=', value: upload })],
    ['an open bracket', (upload) => ({ name: 'file_id[', value: upload })],
    ['a key below an id', (upload) => ({ name: 'file_id[x]', value: upload })],
  ])('in a way that can be read as something else is refused: %s', async (_, field) => {
    const gateway = openCallers()
    const { upload, path } = await possess(gateway)
    const answer = await refusal(await gateway.as('bob').ask(path, write([field(upload)])))
    expect(answer).toMatchObject({ status: 400, error: { code: 'invalid_request' } })
    expect(await gateway.requests()).toEqual([])
  })

  it('is aborted when the field follows a large file, so that the upstream discards it', async () => {
    const gateway = openCallers()
    const { upload, path } = await possess(gateway)
    const file = { name: 'file', value: 'x'.repeat(500_000), more: '; filename="a.txt"' }
    const init = write([file, { name: 'file_id', value: upload }])
    const answer = await refusal(await gateway.as('bob').ask(path, init))
    expect(answer).toMatchObject({ status: 404, error: { code: 'file_not_found' } })
    const list = await gateway.upstream(path.replace('/openai/v1', ''))
    expect(((await list.json()) as { data: unknown[] }).data).toEqual([])
  })

  it('with JSON fields is parsed as JSON', async () => {
    const gateway = openCallers()
    const { upload } = await possess(gateway)
    const session = { tools: [{ type: 'code_interpreter', container: { file_ids: [upload] } }] }
    const ask = async (value: string) =>
      refusal(
        await gateway
          .as('bob')
          .ask('/openai/v1/realtime/calls', write([{ name: 'session', value }])),
      )
    expect(await ask(JSON.stringify(session))).toMatchObject({ status: 404 })
    expect(await ask(`${JSON.stringify(session)}//`)).toMatchObject({ status: 400 })
    expect(await gateway.requests()).toEqual([])
  })

  it('with a list of pictures as JSON may name only own files', async () => {
    const gateway = openCallers()
    const { upload } = await possess(gateway)
    const images = write([{ name: 'images', value: JSON.stringify([{ file_id: upload }]) }])
    const answer = await gateway.as('bob').ask('/openai/v1/images/edits', images)
    expect(await refusal(answer)).toMatchObject({ status: 404, error: { code: 'file_not_found' } })
    expect(await gateway.requests()).toEqual([])
  })

  it('more than a thousand times is refused', async () => {
    const gateway = openCallers({ trustUnrecorded: true })
    const { path } = await possess(gateway)
    const fields = Array.from({ length: 1001 }, (_, at) => ({
      name: 'file_ids[]',
      value: `file-${at}`,
    }))
    const answer = await refusal(await gateway.as('bob').ask(path, write(fields)))
    expect(answer).toMatchObject({ status: 400, error: { code: 'invalid_request' } })
  })
})

describe('a form for an operation that takes JSON', () => {
  it('is refused, because the upstream may read its fields as parameters', async () => {
    const gateway = openCallers()
    await possess(gateway)
    const init = write([{ name: 'model', value: 'm' }])
    const answer = await refusal(await gateway.as('bob').ask('/openai/v1/responses', init))
    expect(answer).toMatchObject({ status: 400, error: { code: 'invalid_request' } })
    expect(await gateway.requests()).toEqual([])
  })
})

describe('an upload', () => {
  it('may name the caller’s own file, and a form of an admin any file', async () => {
    const gateway = openCallers()
    const { upload } = await possess(gateway)
    const container = await gateway.as('ann').ask('/openai/v1/containers', json({ name: 'a' }))
    const { id } = (await container.json()) as { id: string }
    const path = `/openai/v1/containers/${id}/files`
    const init = write([{ name: 'file_id', value: upload }])
    expect((await gateway.as('ann').ask(path, init)).status).toBe(200)
    expect((await gateway.as('admin').ask(path, init)).status).toBe(200)
  })

  it('of a picture or an audio file passes with any other fields', async () => {
    const gateway = openCallers()
    const file = { name: 'image[]', value: 'x', more: '; filename="a.png"' }
    const fields = [
      { name: 'prompt', value: '{"id": "a picture of an id"}' },
      { name: 'n', value: '1' },
    ]
    await gateway.as('ann').ask('/openai/v1/images/edits', write([file, ...fields]))
    expect(await gateway.requests()).toHaveLength(1)
    const sound = { method: 'POST', headers: { 'content-type': 'audio/wav' }, body: 'RIFF' }
    await gateway.as('ann').ask('/openai/v1/audio/transcriptions', sound)
    expect(await gateway.requests()).toHaveLength(1)
  })
})

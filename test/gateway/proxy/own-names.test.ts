import { describe, expect, it } from 'vitest'
import { openCallers, refusal } from '../../lib/callers.ts'
import { json, responseRequest } from '../../lib/harness.ts'

type Gateway = ReturnType<typeof openCallers>

const cfile = `cfile_${'0'.repeat(32)}`

/** Things of ann: a response with a container and a file, a conversation, an upload. */
async function possess(gateway: Gateway) {
  const ann = gateway.as('ann')
  const made = async (path: string, init: RequestInit) =>
    ((await (await ann.ask(`/openai/v1${path}`, init)).json()) as { id: string }).id
  const { file } = await ann.answer('Save the numbers as a CSV.')
  const form = new FormData()
  form.set('purpose', 'assistants')
  form.set('file', new File(['a'], 'a.txt'))
  return {
    container: file.container_id,
    file: file.file_id,
    response: await made('/responses', json(responseRequest('hi'))),
    conversation: await made('/conversations', json({})),
    upload: await made('/files', { method: 'POST', body: form }),
  }
}

type Things = Awaited<ReturnType<typeof possess>>

const nobodys: Things = {
  container: 'cntr_nobodys',
  file: cfile,
  response: 'resp_nobodys',
  conversation: 'conv_nobodys',
  upload: 'assistant-nobodys',
}

const paths: [method: string, path: (things: Things) => string, code: string][] = [
  ['GET', ({ container }) => `/containers/${container}`, 'container_not_found'],
  ['DELETE', ({ container }) => `/containers/${container}`, 'container_not_found'],
  ['GET', ({ container }) => `/containers/${container}/files`, 'container_not_found'],
  ['GET', ({ container, file }) => `/containers/${container}/files/${file}`, 'file_not_found'],
  [
    'GET',
    ({ container, file }) => `/containers/${container}/files/${file}/content`,
    'file_not_found',
  ],
  ['DELETE', ({ container, file }) => `/containers/${container}/files/${file}`, 'file_not_found'],
  ['GET', ({ upload }) => `/files/${upload}`, 'file_not_found'],
  ['GET', ({ upload }) => `/files/${upload}/content`, 'file_not_found'],
  ['DELETE', ({ upload }) => `/files/${upload}`, 'file_not_found'],
  ['GET', ({ response }) => `/responses/${response}`, 'not_found'],
  ['GET', ({ response }) => `/responses/${response}/input_items`, 'not_found'],
  ['POST', ({ response }) => `/responses/${response}/cancel`, 'not_found'],
  ['DELETE', ({ response }) => `/responses/${response}`, 'not_found'],
  ['GET', ({ conversation }) => `/conversations/${conversation}/items`, 'not_found'],
  ['GET', ({ container }) => `/%63ontainers/${container}`, 'container_not_found'],
  ['GET', ({ container }) => `/CONTAINERS/${container}`, 'container_not_found'],
  ['GET', ({ container }) => `/containers/${container.replace('_', '%5f')}`, 'container_not_found'],
  ['GET', () => '/vector_stores/vs_1', 'not_found'],
  ['GET', () => '/v1/containers', 'not_found'],
]

const bodies: [body: (things: Things) => object, code: string][] = [
  [
    ({ container }) => ({ tools: [{ type: 'code_interpreter', container }] }),
    'container_not_found',
  ],
  [
    ({ upload }) => ({
      tools: [{ type: 'code_interpreter', container: { type: 'auto', file_ids: [upload] } }],
    }),
    'file_not_found',
  ],
  [({ response }) => ({ previous_response_id: response }), 'not_found'],
  [({ conversation }) => ({ conversation }), 'not_found'],
  [({ conversation }) => ({ conversation: { id: conversation } }), 'not_found'],
  [
    ({ upload }) => ({
      input: [{ role: 'user', content: [{ type: 'input_file', file_id: upload }] }],
    }),
    'file_not_found',
  ],
  [
    ({ container }) => ({
      input: [{ type: 'code_interpreter_call', id: 'ci_1', container_id: container }],
    }),
    'container_not_found',
  ],
]

describe('a thing of another owner', () => {
  it.each(paths)(
    'does not exist for %s, and the upstream is not asked',
    async (method, path, code) => {
      const gateway = openCallers()
      const things = await possess(gateway)
      await gateway.requests()
      const init = { method }
      const theirs = await refusal(await gateway.as('bob').ask(`/openai/v1${path(things)}`, init))
      expect(theirs).toMatchObject({ status: 404, error: { code } })
      const none = await refusal(await gateway.as('bob').ask(`/openai/v1${path(nobodys)}`, init))
      expect(none).toEqual(theirs)
      expect(await gateway.requests()).toEqual([])
    },
  )

  it.each(bodies)('cannot be named in a body', async (body, code) => {
    const gateway = openCallers()
    const things = await possess(gateway)
    await gateway.requests()
    const ask = async (owner: 'ann' | 'bob' | 'admin', named: Things) =>
      gateway.as(owner).ask('/openai/v1/responses', json(responseRequest('hi', body(named))))
    const theirs = await refusal(await ask('bob', things))
    expect(theirs).toMatchObject({ status: 404, error: { code } })
    expect(await refusal(await ask('bob', nobodys))).toEqual(theirs)
    expect(await gateway.requests()).toEqual([])
    expect((await ask('ann', things)).status).toBe(200)
  })

  it('cannot be read by naming an item of another owner’s answer', async () => {
    const gateway = openCallers()
    const answer = await gateway.as('ann').ask('/openai/v1/responses', json(responseRequest('hi')))
    const { output } = (await answer.json()) as { output: { id: string }[] }
    const input = [
      { type: 'item_reference', id: output[0]?.id },
      { role: 'user', content: 'What was that?' },
    ]
    await gateway.requests()
    const ask = (owner: 'ann' | 'bob') =>
      gateway.as(owner).ask('/openai/v1/responses', json({ model: 'm', input }))
    expect((await ask('bob')).status).toBe(404)
    expect(await gateway.requests()).toEqual([])
    expect((await ask('ann')).status).toBe(200)
  })

  it('cannot be mounted by a form, in any of its fields', async () => {
    const gateway = openCallers()
    const { upload } = await possess(gateway)
    const made = await gateway.as('bob').ask('/openai/v1/containers', json({ name: 'b' }))
    const { id } = (await made.json()) as { id: string }
    const path = `/openai/v1/containers/${id}/files`
    const form = (file_id: string): RequestInit => {
      const body = new FormData()
      body.set('note', 'x'.repeat(100_000))
      body.set('file_id', file_id)
      return { method: 'POST', body }
    }
    for (const file of [upload, nobodys.upload]) {
      const refused = await refusal(await gateway.as('bob').ask(path, form(file)))
      expect(refused).toMatchObject({ status: 404, error: { code: 'file_not_found' } })
    }
    const list = await gateway.upstream(`/containers/${id}/files`)
    expect(((await list.json()) as { data: unknown[] }).data).toEqual([])
  })

  it('is not captured from an answer that only echoes it', async () => {
    const gateway = openCallers()
    const { file: cited } = await gateway.answerDirectly('Save the numbers as a CSV.')
    const { container_id: container, file_id: file } = cited
    const annotations = [
      { type: 'container_file_citation', container_id: container, file_id: file, filename: 'a' },
    ]
    const input = [
      { role: 'assistant', content: [{ type: 'output_text', text: 'x', annotations }] },
      { role: 'user', content: 'hi' },
    ]
    const bob = gateway.as('bob')
    const answer = await bob.ask('/openai/v1/responses', json({ model: 'm', input }))
    expect(answer.status).toBe(200)
    const { id } = (await answer.json()) as { id: string }
    await bob.ask(`/openai/v1/responses/${id}/input_items`)
    const items = await bob.ask('/openai/v1/conversations', json({ items: input }))
    const conversation = (await items.json()) as { id: string }
    await bob.ask(`/openai/v1/conversations/${conversation.id}/items`)
    expect((await bob.ask(`/files/${file}`)).status).toBe(404)
    expect((await bob.ask(`/openai/v1/containers/${container}`)).status).toBe(404)
  })
})

describe('a thing of the caller', () => {
  it('is served on the paths of SDKs as well', async () => {
    const gateway = openCallers()
    const things = await possess(gateway)
    for (const [method, path] of paths.slice(0, 14)) {
      if (method !== 'GET') continue
      const answer = await gateway.as('ann').ask(`/openai/v1${path(things)}`, { method })
      expect(answer.status, path(things)).toBe(200)
    }
  })

  it('includes files that code wrote into a container that only the caller has', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer('Save the numbers as a CSV. [uncited]')
    const list = await gateway.upstream(`/containers/${file.container_id}/files`)
    const { data } = (await list.json()) as { data: { id: string }[] }
    for (const { id } of data) {
      const path = `/openai/v1/containers/${file.container_id}/files/${id}`
      expect((await gateway.as('ann').ask(path)).status).toBe(200)
    }
  })

  it('can be read by an admin and keeps its only owner', async () => {
    const gateway = openCallers()
    const { container, file } = await possess(gateway)
    const path = `/openai/v1/containers/${container}/files`
    expect((await gateway.as('admin').ask(path)).status).toBe(200)
    expect((await gateway.as('admin').ask(`${path}/${file}`)).status).toBe(200)
    const { data } = (await (await gateway.as('ann').ask(path)).json()) as { data: unknown[] }
    expect(data.length).toBeGreaterThan(0)
  })
})

describe('CFILE_TRUST_UNRECORDED', () => {
  it('gives a thing without an owner to the first caller who names it', async () => {
    const gateway = openCallers({ trustUnrecorded: true })
    const made = await gateway.upstream('/containers', json({ name: 'old' }))
    const { id } = (await made.json()) as { id: string }
    expect((await gateway.as('ann').ask(`/openai/v1/containers/${id}`)).status).toBe(200)
    expect((await gateway.as('bob').ask(`/openai/v1/containers/${id}`)).status).toBe(404)
    expect((await gateway.as('ann').ask(`/openai/v1/containers/${id}`)).status).toBe(200)
  })
})

import { describe, expect, it } from 'vitest'
import { apiKey } from '../../../src/azure/credentials.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { answerUpstream } from '../../fixtures/answer-upstream.ts'
import { type CallersHarness, openCallers, refusal } from '../../lib/callers.ts'
import { json, responseRequest } from '../../lib/harness.ts'

const ask = (gateway: CallersHarness, owner: 'ann' | 'bob' | 'admin', more: object) =>
  gateway.as(owner).ask('/openai/v1/responses', json(responseRequest('hi', more)))

/** A form with one field. */
function form(name: string, value: string, more = ''): RequestInit {
  const disposition = `Content-Disposition: form-data; name="${name}"${more}`
  const headers = { 'content-type': 'multipart/form-data; boundary=b0' }
  return { method: 'POST', headers, body: `--b0\r\n${disposition}\r\n\r\n${value}\r\n--b0--\r\n` }
}

describe('a thing without an owner', () => {
  it.each<[string, object]>([
    ['an item', { input: [{ type: 'item_reference', id: 'msg_nobodys' }] }],
    ['an item by its id alone', { input: [{ id: 'msg_nobodys' }] }],
    ['an item by its id and its type', { input: [{ id: 'fc_nobodys', type: 'function_call' }] }],
    ['an item in the place of a list', { input: { type: 'item_reference', id: 'msg_nobodys' } }],
    ['thoughts', { input: [{ type: 'reasoning', id: 'rs_nobodys', summary: [] }] }],
    ['a prompt', { prompt: { id: 'pmpt_nobodys' } }],
    ['an assistant', { assistant_id: 'asst_nobodys' }],
    ['a thread', { thread_id: 'thread_nobodys' }],
    [
      'a skill',
      { tools: [{ type: 'shell', environment: { skills: [{ skill_id: 'skill_nobodys' }] } }] },
    ],
    [
      'an approval',
      {
        input: [
          { type: 'mcp_approval_response', approval_request_id: 'mcpr_nobodys', approve: true },
        ],
      },
    ],
    ['a voice', { audio: { voice: { id: 'voice_nobodys' } } }],
    ['a voice as a text', { audio: { voice: 'voice_nobodys' } }],
    ['a prompt as a text', { prompt: 'pmpt_nobodys' }],
    [
      'a skill as a text',
      { tools: [{ type: 'shell', environment: { skills: ['skill_nobodys'] } }] },
    ],
  ])('is not to be named: %s', async (_, more) => {
    const gateway = openCallers()
    const answer = await refusal(await ask(gateway, 'bob', more))
    expect(answer).toMatchObject({ status: 404, error: { code: 'not_found' } })
    expect(await gateway.requests()).toEqual([])
  })

  it('can be named if it is a vector store, which then belongs to the operator', async () => {
    const gateway = openCallers()
    const tools = [{ type: 'file_search', vector_store_ids: ['vs_nobodys'] }]
    await ask(gateway, 'bob', { tools })
    expect(await gateway.requests()).toHaveLength(1)
    const wrong = [{ type: 'file_search', vector_store_ids: ['file-nobodys'] }]
    expect(await refusal(await ask(gateway, 'bob', { tools: wrong }))).toMatchObject({
      status: 400,
    })
  })
})

describe('an item of another owner’s answer', () => {
  it('cannot be sent with its id, but without an id or with the caller’s own', async () => {
    const gateway = openCallers()
    const answer = await ask(gateway, 'ann', {})
    const body = (await answer.json()) as { output: { id: string; type: string }[] }
    const output = body.output.filter(({ type }) => type === 'message')
    expect((await ask(gateway, 'ann', { input: output })).status).toBe(200)
    await gateway.requests()
    const theirs = await refusal(await ask(gateway, 'bob', { input: output }))
    expect(theirs).toMatchObject({ status: 404, error: { code: 'not_found' } })
    expect(await gateway.requests()).toEqual([])
    const nameless = output.map((item) => ({ ...item, id: undefined }))
    expect((await ask(gateway, 'bob', { input: nameless })).status).toBe(200)
    const renamed = output.map((item, at) => ({ ...item, id: `msg_made_up_${at}` }))
    expect((await ask(gateway, 'bob', { input: renamed })).status).toBe(200)
  })
})

const message = (...annotations: object[]) => ({
  role: 'assistant',
  content: [{ type: 'output_text', text: 'x', annotations }],
})
const cite = (container_id: string, file_id: string) => ({
  type: 'container_file_citation',
  container_id,
  file_id,
})
const search = (...files: string[]) => ({
  type: 'file_search_call',
  id: 'fs_made_up',
  queries: ['x'],
  results: files.map((file_id) => ({ file_id, text: 'x' })),
})

describe('a history with citations and search results', () => {
  it('may not name things that are recorded for others, at any of these places', async () => {
    const gateway = openCallers()
    const { container_id, file_id } = (await gateway.as('ann').answer('Save a CSV.')).file
    await gateway.give('ann', 'file', 'file-of-ann')
    await gateway.requests()
    const shapes: object[] = [
      { input: [message(cite(container_id, file_id))] },
      { input: [message(cite('cntr_unknown', file_id))] },
      { input: [message(cite(container_id, 'cfile_unknown'))] },
      { input: [message({ type: 'file_citation', file_id: 'file-of-ann', index: 0 })] },
      { input: [message({ type: 'file_path', file_id: 'file-of-ann', index: 0 })] },
      { input: [search('file-of-ann')] },
      { input: [search('file-unknown', file_id)] },
      { tools: [{ type: 'shell', environment: container_id }] },
      { tools: [{ type: 'shell', environment: [container_id] }] },
      { tools: [{ type: 'shell', environment: { id: container_id, type: 'x', more: 1 } }] },
      { tools: [{ type: 'shell', environment: { type: 'x', of: { id: container_id, a: 1 } } }] },
      { tools: [{ type: 'shell', environment: { reference: container_id } }] },
      { tools: [{ type: 'shell', environment: { type: 'x', files: [file_id] } }] },
      { tools: [{ type: 'new_tool', sandbox: container_id }] },
    ]
    for (const shape of shapes) {
      const answer = await refusal(await ask(gateway, 'bob', shape))
      expect(answer, JSON.stringify(shape)).toMatchObject({ status: 404 })
      expect(await gateway.requests()).toEqual([])
      expect((await ask(gateway, 'ann', shape)).status, JSON.stringify(shape)).not.toBe(404)
      await gateway.requests()
    }
  })

  it('may name things without an owner, because records expire before a conversation ends', async () => {
    const gateway = openCallers()
    const input = [
      message(cite('cntr_expired', 'cfile_expired'), { type: 'file_citation', file_id: 'file-x' }),
      search('file-y'),
      { role: 'user', content: 'Go on.' },
    ]
    expect((await ask(gateway, 'bob', { input })).status).toBe(200)
    // A tool would use it.
    const tools = [{ type: 'shell', environment: 'cntr_expired' }]
    expect((await ask(gateway, 'bob', { tools })).status).toBe(404)
  })

  it('may repeat a search result that the caller has received, from any owner', async () => {
    const found = { type: 'file_citation', file_id: 'file-cited', index: 0 }
    const output = [search('file-found'), { id: 'msg_1', type: 'message', ...message(found) }]
    const response = { id: 'resp_1', object: 'response', status: 'completed', output }
    for (const stream of [false, true]) {
      const gateway = openCallers(answerUpstream(() => ({ response }), []))
      for (const id of ['file-found', 'file-cited']) await gateway.give('ann', 'file', id)
      const input = [search('file-found'), message(found)]
      expect((await ask(gateway, 'bob', { input })).status).toBe(404)
      await (await ask(gateway, 'bob', { stream })).text()
      expect((await ask(gateway, 'bob', { input })).status).toBe(200)
      expect((await gateway.as('bob').ask('/openai/v1/files/file-found')).status).toBe(404)
    }
  })
})

describe('an eval over rows that are not the caller’s', () => {
  const mapped = { type: 'file_content', content: [{ item: { resp_id: 'resp_of_ann' } }] }
  const sources: object[] = [
    { data_source: { type: 'responses', model: 'm' } },
    { data_source: { type: 'logs', source: { type: 'file_content', content: [] } } },
    { data_source: { type: 'completions', source: { type: 'STORED_COMPLETIONS' } } },
    { data_source: { type: 'completions', source: 'stored_completions' } },
    { data_source: { type: 'completions', source: [{ type: 'stored_completions' }] } },
    { data_source: { type: 'completions', source: { type: ['stored_completions'] } } },
    { data_source: { type: 'azure_ai_traces', trace_ids: ['1'] } },
    {
      data_source: {
        type: 'azure_ai_responses',
        item_generation_params: { type: 'response_retrieval', source: mapped },
      },
    },
  ]
  it.each(sources)('is refused: %j', async (body) => {
    const gateway = openCallers()
    await gateway.give('bob', 'thing', 'eval_1')
    const answer = await gateway.as('bob').ask('/openai/v1/evals/eval_1/runs', json(body))
    expect(await refusal(answer)).toMatchObject({ status: 400, error: { code: 'invalid_request' } })
    expect(await gateway.requests()).toEqual([])
  })

  it('passes if the rows are in the body', async () => {
    const gateway = openCallers()
    await gateway.give('bob', 'thing', 'eval_1')
    const source = { type: 'file_content', content: [{ item: { question: 'Why?' } }] }
    for (const type of ['jsonl', 'completions', 'responses']) {
      await gateway
        .as('bob')
        .ask('/openai/v1/evals/eval_1/runs', json({ data_source: { type, source } }))
    }
    expect(await gateway.requests()).toHaveLength(3)
  })

  it('passes if the rows have keys that have a meaning only in a request', async () => {
    const gateway = openCallers()
    await gateway.give('bob', 'thing', 'eval_1')
    await gateway.give('ann', 'thing', 'thread_of_ann')
    const run = (item: object) => {
      const source = { type: 'file_content', content: [{ item }] }
      const body = json({ data_source: { type: 'completions', source } })
      return gateway.as('bob').ask('/openai/v1/evals/eval_1/runs', body)
    }
    await run({ thread_id: 'T-17', item_id: '4711', conversation: 'x', previous_response_id: 'r1' })
    expect(await gateway.requests()).toHaveLength(1)
    const theirs = { thread_id: 'thread_of_ann' }
    expect(await refusal(await run(theirs))).toMatchObject({ status: 404 })
    // A row may be a message, whose keys name things.
    const unknown = { messages: [{ content: [{ type: 'input_file', file_id: 'file-nobodys' }] }] }
    expect(await refusal(await run(unknown))).toMatchObject({ status: 404 })
    expect(await gateway.requests()).toEqual([])
  })
})

describe('a video of another owner', () => {
  it.each<[string, RequestInit]>([
    ['text', json({ prompt: 'x', video: 'video_of_ann' })],
    ['object', json({ prompt: 'x', video: { id: 'video_of_ann' } })],
    ['text in a form', form('video', '"video_of_ann"')],
    ['object in a form', form('video', '{"id":"video_of_ann"}')],
    ['field of a form', form('video[id]', 'video_of_ann')],
  ])('cannot be edited under its name as %s', async (_, init) => {
    for (const operation of ['edits', 'extensions', 'video_of_bob/remix']) {
      const gateway = openCallers()
      await gateway.give('ann', 'thing', 'video_of_ann')
      await gateway.give('bob', 'thing', 'video_of_bob')
      const edit = (owner: 'bob' | 'admin') =>
        gateway.as(owner).ask(`/openai/v1/videos/${operation}`, init)
      const answer = await refusal(await edit('bob'))
      expect(answer).toMatchObject({ status: 404, error: { code: 'not_found' } })
      expect(await gateway.requests()).toEqual([])
      await edit('admin')
      expect(await gateway.requests()).toHaveLength(1)
    }
  })

  it('cannot be named in a form in a way that is not JSON, but an own file can be sent', async () => {
    const gateway = openCallers()
    const edit = (init: RequestInit) => gateway.as('bob').ask('/openai/v1/videos/edits', init)
    const answer = await refusal(await edit(form('video', 'video_of_ann')))
    expect(answer).toMatchObject({ status: 400, error: { code: 'invalid_request' } })
    expect(await gateway.requests()).toEqual([])
    await edit(form('video', 'bytes', '; filename="a.mp4"'))
    expect(await gateway.requests()).toHaveLength(1)
  })
})

describe('a session of ChatKit', () => {
  it('is opened only by an admin, because it gives access to all things of the user that it names', async () => {
    const gateway = openCallers()
    await gateway.give('bob', 'thing', 'wf_of_bob')
    const body = json({ workflow: { id: 'wf_of_bob' }, user: 'a user of ann' })
    const start = (owner: 'bob' | 'admin') =>
      gateway.as(owner).ask('/openai/v1/chatkit/sessions', body)
    expect(await refusal(await start('bob'))).toMatchObject({ status: 404 })
    expect(await gateway.requests()).toEqual([])
    await start('admin')
    expect(await gateway.requests()).toHaveLength(1)
  })
})

describe('a part of an upload', () => {
  it('completes only an upload of the caller who sent the part', async () => {
    const upstream = {
      endpoint: 'http://upstream.localhost',
      credential: apiKey('a-secret-key'),
      fetch: async (input: string | URL | Request) =>
        Response.json(
          String(input instanceof Request ? input.url : input).includes('/parts')
            ? { id: 'part_1', object: 'upload.part', upload_id: 'upload_1' }
            : { id: 'upload_1', object: 'upload' },
        ),
    }
    const gateway = openCallers({ upstreams: [upstream] })
    for (const owner of ['ann', 'bob']) await gateway.give(owner, 'thing', `upload_of_${owner}`)
    const send = (owner: 'ann' | 'bob', body: object) =>
      gateway.as(owner).ask(`/openai/v1/uploads/upload_of_${owner}/complete`, json(body))
    await gateway
      .as('ann')
      .ask('/openai/v1/uploads/upload_of_ann/parts', form('data', 'x', '; filename="a"'))
    const theirs = await refusal(await send('bob', { part_ids: ['part_1'] }))
    expect(theirs).toMatchObject({ status: 404, error: { code: 'not_found' } })
    expect(await refusal(await send('bob', { part_ids: ['part_nobodys'] }))).toEqual(theirs)
    expect((await send('bob', { part_ids: 'part_1' })).status).toBe(400)
    expect((await send('ann', { part_ids: ['part_1'] })).status).toBe(200)
  })
})

describe('an eval over stored answers', () => {
  it('is refused, because it reads the answers of all owners', async () => {
    const gateway = openCallers()
    const run = (owner: 'bob' | 'admin') =>
      gateway.as(owner).ask(
        '/openai/v1/evals',
        json({
          data_source: {
            type: 'completions',
            source: { type: 'stored_completions', metadata: {} },
          },
        }),
      )
    expect(await refusal(await run('bob'))).toMatchObject({
      status: 400,
      error: { code: 'invalid_request' },
    })
    expect(await gateway.requests()).toEqual([])
    await run('admin')
    expect(await gateway.requests()).toHaveLength(1)
  })
})

describe('a body that names very many things', () => {
  it('is refused before they are looked up', async () => {
    let reads = 0
    const store = memoryStore({ now: () => 0 })
    const counting = {
      ...store,
      get: (key: string) => {
        reads += 1
        return store.get(key)
      },
    }
    const gateway = openCallers({ store: counting })
    const file_ids = Array.from({ length: 1001 }, (_, at) => `file-${at}`)
    const tools = [{ type: 'code_interpreter', container: { type: 'auto', file_ids } }]
    const answer = await refusal(await ask(gateway, 'bob', { tools }))
    expect(answer).toMatchObject({ status: 400, error: { code: 'invalid_request' } })
    expect(reads).toBeLessThan(10)
  })
})

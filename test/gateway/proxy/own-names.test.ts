import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../../src/stores/memory.ts'
import { type CallersHarness, openCallers, refusal } from '../../lib/callers.ts'
import { json, responseRequest } from '../../lib/harness.ts'

const ask = (gateway: CallersHarness, owner: 'ann' | 'bob' | 'admin', more: object) =>
  gateway.as(owner).ask('/openai/v1/responses', json(responseRequest('hi', more)))

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
  it('cannot be sent in under its id, but without an id or with an own one', async () => {
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

describe('an eval over stored answers', () => {
  it('is refused, since it reads the answers of all owners', async () => {
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

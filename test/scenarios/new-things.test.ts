/**
 * A new thing in an answer is recorded for the caller who gets the answer, before the caller can see it.
 */

import { describe, expect, it } from 'vitest'
import { apiKey } from '../../src/azure/credentials.ts'
import { type CallersHarness, openCallers } from '../lib/callers.ts'
import { json } from '../lib/harness.ts'

type Answer = (path: string, method: string) => Response | undefined

/** A gateway before an upstream with scripted answers, otherwise an empty object. */
function openBefore(answer: Answer): CallersHarness {
  const upstream = {
    endpoint: 'http://upstream.localhost',
    credential: apiKey('a-secret-key'),
    fetch: async (input: string | URL | Request, init?: RequestInit) => {
      const { method, url } = new Request(input, init)
      const path = new URL(url).pathname.replace('/openai/v1', '')
      return answer(path, method) ?? Response.json({})
    },
  }
  return openCallers({ upstreams: [upstream] })
}

/** Status of a path for each of two callers. */
async function statuses(gateway: CallersHarness, path: string): Promise<[number, number]> {
  const [ann, bob] = await Promise.all(
    (['ann', 'bob'] as const).map((owner) => gateway.as(owner).ask(`/openai/v1${path}`)),
  )
  return [ann?.status ?? 0, bob?.status ?? 0]
}

/** A stream of events that stays open after the given ones. */
function openStream(
  events: readonly (readonly [name: string | undefined, data: object])[],
): Response {
  const text = events
    .map(([name, data]) => `${name ? `event: ${name}\n` : ''}data: ${JSON.stringify(data)}\n\n`)
    .join('')
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

/** Reads until a text has arrived. */
async function readUntil(answer: Response, text: string): Promise<void> {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  let got = ''
  while (!got.includes(text)) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
    if (done) throw new Error(`${text} never came`)
    got += value
  }
  await reader?.cancel()
}

const run = { id: 'run_1', object: 'thread.run', thread_id: 'thread_1', assistant_id: 'asst_1' }

describe('a thread and its run', () => {
  it('belong to their caller when POST /threads/runs is answered with JSON', async () => {
    const gateway = openBefore((path) =>
      path === '/threads/runs' ? Response.json(run) : undefined,
    )
    expect(await statuses(gateway, '/threads/thread_1')).toEqual([404, 404])
    const answer = await gateway.as('ann').ask('/openai/v1/threads/runs', json({}))
    expect(answer.status).toBe(200)
    expect(await statuses(gateway, '/threads/thread_1/messages')).toEqual([200, 404])
    expect(await statuses(gateway, '/threads/thread_1/runs/run_1')).toEqual([200, 404])
  })

  const steps: [revealed: string, events: (readonly [string, object])[], path: string][] = [
    [
      'thread.created',
      [['thread.created', { id: 'thread_1', object: 'thread' }]],
      '/threads/thread_1',
    ],
    ['thread.run.created', [['thread.run.created', run]], '/threads/thread_1/runs/run_1'],
    [
      'thread.run.step.created',
      [
        ['thread.run.created', run],
        [
          'thread.run.step.created',
          { id: 'step_1', object: 'thread.run.step', thread_id: 'thread_1', run_id: 'run_1' },
        ],
      ],
      '/threads/thread_1/runs/run_1/steps/step_1',
    ],
    [
      'thread.message.created',
      [
        [
          'thread.message.created',
          { id: 'msg_1', object: 'thread.message', thread_id: 'thread_1', role: 'assistant' },
        ],
      ],
      '/threads/thread_1/messages/msg_1',
    ],
  ]
  it.each(steps)('belong to their caller before %s is released', async (revealed, events, path) => {
    const gateway = openBefore((requested) =>
      requested === '/threads/runs' ? openStream(events) : undefined,
    )
    const answer = await gateway.as('ann').ask('/openai/v1/threads/runs', json({ stream: true }))
    await readUntil(answer, revealed)
    expect(await statuses(gateway, path)).toEqual([200, 404])
  })

  it('let the caller read a message that only a step names', async () => {
    const step = {
      id: 'step_1',
      object: 'thread.run.step',
      step_details: { type: 'message_creation', message_creation: { message_id: 'msg_1' } },
    }
    const gateway = openBefore((path) => {
      if (path === '/threads/runs') return Response.json(run)
      return path.endsWith('/steps') ? Response.json({ object: 'list', data: [step] }) : undefined
    })
    await gateway.as('ann').ask('/openai/v1/threads/runs', json({}))
    await gateway.as('ann').ask('/openai/v1/threads/thread_1/runs/run_1/steps')
    expect(await statuses(gateway, '/threads/thread_1/messages/msg_1')).toEqual([200, 404])
  })
})

const path = '/chat/completions'
const chunk = (more: object) => ({ object: 'chat.completion.chunk', choices: [], ...more })

describe('a chat completion', () => {
  it('that is stored belongs to its caller', async () => {
    const body = { id: 'chatcmpl-1', object: 'chat.completion', choices: [] }
    const gateway = openBefore((requested) =>
      requested === path ? Response.json(body) : undefined,
    )
    await gateway.as('ann').ask(`/openai/v1${path}`, json({ model: 'm', messages: [] }))
    expect(await statuses(gateway, `${path}/chatcmpl-1`)).toEqual([404, 404])
    const stored = { model: 'm', messages: [], store: true }
    const answer = await gateway.as('ann').ask(`/openai/v1${path}`, json(stored))
    expect(await answer.json()).toEqual(body)
    expect(await statuses(gateway, `${path}/chatcmpl-1`)).toEqual([200, 404])
    expect(await statuses(gateway, `${path}/chatcmpl-1/messages`)).toEqual([200, 404])
  })

  it.each(['/openai/v1', '/openai/deployments/d'])(
    'that is stored belongs to its caller before the chunk with its id is released, below %s',
    async (base) => {
      const gateway = openBefore((requested) =>
        requested.endsWith(path)
          ? openStream([
              [undefined, chunk({ id: '' })],
              [undefined, chunk({ id: 'chatcmpl-1' })],
            ])
          : undefined,
      )
      const stored = { model: 'm', messages: [], store: true, stream: true }
      const answer = await gateway.as('ann').ask(base + path, json(stored))
      await readUntil(answer, 'chatcmpl-1')
      expect(await statuses(gateway, `${path}/chatcmpl-1`)).toEqual([200, 404])
    },
  )

  it.each([true, false])(
    'with audio lets only its caller name the audio (stream: %s)',
    async (stream) => {
      const message = { audio: { id: 'audio_1', data: '' } }
      const gateway = openBefore(() =>
        stream
          ? openStream([[undefined, chunk({ id: 'chatcmpl-1', choices: [{ delta: message }] })]])
          : Response.json({ id: 'chatcmpl-1', choices: [{ message }] }),
      )
      const ask = (owner: 'ann' | 'bob', messages: object[]) =>
        gateway
          .as(owner)
          .ask(
            `/openai/v1${path}`,
            json({ model: 'm', stream, messages, audio: { voice: 'alloy', format: 'wav' } }),
          )
      const replayed = [{ role: 'assistant', audio: { id: 'audio_1' } }]
      await readUntil(await ask('ann', []), 'audio_1')
      expect((await ask('bob', replayed)).status).toBe(404)
      expect((await ask('ann', replayed)).status).toBe(200)
    },
  )

  it('passes unchanged', async () => {
    const text = 'data: {"id":"chatcmpl-1","choices":[]}\n\ndata: broken\n\ndata: [DONE]\n\n'
    const headers = { 'content-type': 'text/event-stream' }
    const gateway = openBefore(() => new Response(text, { headers }))
    const stored = { model: 'm', messages: [], store: true, stream: true }
    const answer = await gateway.as('ann').ask(`/openai/v1${path}`, json(stored))
    expect(await answer.text()).toBe(text)
  })
})

describe('an item that a caller sent in', () => {
  const page = (id: string) => Response.json({ object: 'list', data: [{ id, type: 'message' }] })
  const places: [path: string, method: 'GET' | 'POST'][] = [
    ['/responses/resp_1/input_items', 'GET'],
    ['/conversations/conv_1/items', 'GET'],
    ['/conversations/conv_1/items', 'POST'],
  ]

  async function openWith(answer: Answer) {
    const gateway = openBefore((requested, method) => {
      if (requested === '/responses') return Response.json({ id: 'resp_1', object: 'response' })
      if (requested === '/conversations')
        return Response.json({ id: 'conv_1', object: 'conversation' })
      return answer(requested, method)
    })
    await gateway.as('ann').ask('/openai/v1/responses', json({ model: 'm', input: 'hi' }))
    await gateway.as('ann').ask('/openai/v1/conversations', json({}))
    return gateway
  }
  const name = (gateway: CallersHarness, owner: 'ann' | 'bob', item: object) =>
    gateway.as(owner).ask('/openai/v1/responses', json({ model: 'm', input: [item] }))
  const list = (
    gateway: CallersHarness,
    owner: 'ann' | 'bob',
    [where, method]: [path: string, method: string],
  ) => gateway.as(owner).ask(`/openai/v1${where}`, method === 'POST' ? json({ items: [] }) : {})

  it.each(places)('belongs to its sender as soon as %s names it (%s)', async (...place) => {
    const gateway = await openWith((requested) =>
      requested === place[0] ? page('msg_in') : undefined,
    )
    for (const item of [{ type: 'item_reference', id: 'msg_in' }, { id: 'msg_in' }]) {
      expect((await name(gateway, 'ann', item)).status).toBe(404)
    }
    expect((await list(gateway, 'ann', place)).status).toBe(200)
    for (const item of [{ type: 'item_reference', id: 'msg_in' }, { id: 'msg_in' }]) {
      expect((await name(gateway, 'ann', item)).status).toBe(200)
      expect((await name(gateway, 'bob', item)).status).toBe(404)
    }
  })

  it('keeps its owner when another caller sends an item with the same id', async () => {
    const gateway = await openWith(() => page('msg_of_bob'))
    await gateway.give('bob', 'thing', 'msg_of_bob')
    await list(gateway, 'ann', ['/responses/resp_1/input_items', 'GET'])
    expect((await name(gateway, 'ann', { id: 'msg_of_bob' })).status).toBe(404)
    expect((await name(gateway, 'bob', { id: 'msg_of_bob' })).status).toBe(200)
  })

  it('can be used to page its list, unlike items of others', async () => {
    const gateway = await openWith(() => page('msg_in'))
    const pageAfter = (id: string) =>
      gateway.as('ann').ask(`/openai/v1/conversations/conv_1/items?after=${id}`)
    expect((await pageAfter('msg_in')).status).toBe(404)
    await list(gateway, 'ann', ['/conversations/conv_1/items', 'GET'])
    expect((await pageAfter('msg_in')).status).toBe(200)
    expect((await pageAfter('msg_other')).status).toBe(404)
  })
})

describe('an item in a stream', () => {
  it('belongs to its caller before it is released, so that it can be named even if the stream breaks', async () => {
    const item = { id: 'msg_1', type: 'message', role: 'assistant', content: [] }
    const gateway = openBefore((requested) =>
      requested === '/responses'
        ? openStream([['response.output_item.added', { type: 'response.output_item.added', item }]])
        : undefined,
    )
    const ask = (owner: 'ann' | 'bob', input: unknown) =>
      gateway.as(owner).ask('/openai/v1/responses', json({ model: 'm', input, stream: true }))
    await readUntil(await ask('ann', 'hi'), 'msg_1')
    expect((await ask('ann', [{ id: 'msg_1' }])).status).toBe(200)
    expect((await ask('bob', [{ id: 'msg_1' }])).status).toBe(404)
  })
})

describe('a product of a thing', () => {
  const made: [where: string, body: object, file: string][] = [
    ['/batches', { id: 'batch_1', object: 'batch', output_file_id: 'file-out' }, 'file-out'],
    ['/batches', { id: 'batch_1', object: 'batch', error_file_id: 'file-err' }, 'file-err'],
    [
      '/fine_tuning/jobs',
      { id: 'ftjob-1', object: 'fine_tuning.job', result_files: ['file-r'] },
      'file-r',
    ],
  ]
  it.each(made)(
    'of %s belongs to its caller, in the thing and in the list',
    async (where, body, file) => {
      const thing = `${where}/${(body as { id: string }).id}`
      for (const address of [thing, where]) {
        const gateway = openBefore((requested, method) => {
          if (requested === where && method === 'POST')
            return Response.json({
              ...body,
              output_file_id: null,
              error_file_id: null,
              result_files: [],
            })
          if (requested === thing) return Response.json(body)
          if (requested === '/files/file-in/content') {
            return Response.json({ method: 'POST', url: '/v1/responses', body: {} })
          }
          return requested === where ? Response.json({ object: 'list', data: [body] }) : undefined
        })
        await gateway.give('ann', 'file', 'file-in')
        await gateway.as('ann').ask(`/openai/v1${where}`, json({ input_file_id: 'file-in' }))
        expect(await statuses(gateway, `/files/${file}/content`)).toEqual([404, 404])
        await gateway.as('bob').ask(`/openai/v1${address}`)
        await gateway.as('ann').ask(`/openai/v1${address}`)
        expect(await statuses(gateway, `/files/${file}/content`), address).toEqual([200, 404])
      }
    },
  )

  it('is not recorded for an item that its caller gave the id of another thing', async () => {
    const ids = [
      'vs_1',
      'asst_1',
      'thread_1',
      'batch_1',
      'ftjob-1',
      'eval_1',
      'skill_1',
      'upload_1',
    ]
    const gateway = openBefore((requested) =>
      requested.endsWith('_items')
        ? Response.json({ object: 'list', data: [...ids, 'msg_1'].map((id) => ({ id })) })
        : undefined,
    )
    await gateway.give('bob', 'response', 'resp_1')
    await gateway.as('bob').ask('/openai/v1/responses/resp_1/input_items')
    for (const path of ['/vector_stores/vs_1', '/assistants/asst_1', '/threads/thread_1']) {
      expect(await statuses(gateway, path), path).toEqual([404, 404])
    }
    for (const path of ['/batches/batch_1', '/fine_tuning/jobs/ftjob-1', '/evals/eval_1']) {
      expect(await statuses(gateway, path), path).toEqual([404, 404])
    }
    const named = json({ model: 'm', input: [{ type: 'item_reference', id: 'msg_1' }] })
    expect((await gateway.as('bob').ask('/openai/v1/responses', named)).status).toBe(200)
  })

  it('is recorded for the file of a completed upload', async () => {
    const file = { id: 'file-1', object: 'file', filename: 'a.txt', bytes: 1 }
    const gateway = openBefore((requested) =>
      requested.startsWith('/uploads')
        ? Response.json({
            id: 'upload_1',
            object: 'upload',
            ...(requested !== '/uploads' && { file }),
          })
        : undefined,
    )
    await gateway.as('ann').ask('/openai/v1/uploads', json({}))
    await gateway.as('ann').ask('/openai/v1/uploads/upload_1/complete', json({ part_ids: [] }))
    expect(await statuses(gateway, '/files/file-1')).toEqual([200, 404])
  })

  it('is recorded for the call in a Location header', async () => {
    const gateway = openBefore((requested) =>
      requested === '/realtime/calls'
        ? new Response('v=0', { status: 201, headers: { location: '/v1/realtime/calls/rtc_1' } })
        : undefined,
    )
    const init = { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: 'v=0' }
    expect((await gateway.as('ann').ask('/openai/v1/realtime/calls', init)).status).toBe(201)
    const hangUp = async (owner: 'ann' | 'bob') =>
      (await gateway.as(owner).ask('/openai/v1/realtime/calls/rtc_1/hangup', { method: 'POST' }))
        .status
    expect([await hangUp('bob'), await hangUp('ann')]).toEqual([404, 200])
  })
})

import { describe, expect, it } from 'vitest'
import { apiKey } from '../../../src/azure/credentials.ts'
import { openCallers, refusal } from '../../lib/callers.ts'
import { json } from '../../lib/harness.ts'

const line = (body: object) =>
  JSON.stringify({ custom_id: '1', method: 'POST', url: '/v1/responses', body })
const own = line({ model: 'm', input: 'hi', previous_response_id: 'resp_of_bob' })

/** A gateway where bob has uploaded lines, and ann has a response, a thing and a container. */
async function openWith(content: string, maxBodyBytes?: number) {
  const asked: string[] = []
  const upstream = {
    endpoint: 'http://upstream.localhost',
    credential: apiKey('a-secret-key'),
    fetch: async (input: string | URL | Request, init?: RequestInit) => {
      const { method, url } = new Request(input, init)
      const path = new URL(url).pathname.replace('/openai/v1', '')
      asked.push(`${method} ${path}`)
      if (path.endsWith('/content')) return new Response(content)
      return Response.json(path === '/files' ? { id: 'file-1', object: 'file' } : { id: 'batch_1' })
    },
  }
  const gateway = openCallers({ upstreams: [upstream], maxBodyBytes })
  const form = new FormData()
  form.set('purpose', 'batch')
  form.set('file', new File([content], 'requests.jsonl'))
  await gateway.as('bob').ask('/openai/v1/files', { method: 'POST', body: form })
  await gateway.give('ann', 'response', 'resp_of_ann')
  await gateway.give('ann', 'container', 'cntr_of_ann')
  await gateway.give('ann', 'thing', 'msg_of_ann')
  await gateway.give('bob', 'response', 'resp_of_bob')
  const start = (owner: 'ann' | 'bob' | 'admin', more: object = { input_file_id: 'file-1' }) =>
    gateway
      .as(owner)
      .ask(
        '/openai/v1/batches',
        json({ endpoint: '/v1/responses', completion_window: '24h', ...more }),
      )
  await gateway.give('bob', 'thing', 'eval_1')
  const evaluate = (owner: 'bob' | 'admin', source: object | string) => {
    const messages = { type: 'item_reference', item_reference: 'item.messages' }
    const body = { data_source: { type: 'responses', source, input_messages: messages } }
    return gateway.as(owner).ask('/openai/v1/evals/eval_1/runs', json(body))
  }
  return {
    start,
    started: () => asked.includes('POST /batches'),
    evaluate,
    evaluated: () => asked.includes('POST /evals/eval_1/runs'),
  }
}

describe('a batch', () => {
  const foreign: [body: object, code: string][] = [
    [{ previous_response_id: 'resp_of_ann' }, 'not_found'],
    [{ tools: [{ type: 'code_interpreter', container: 'cntr_of_ann' }] }, 'container_not_found'],
    [{ input: [{ type: 'item_reference', id: 'msg_of_ann' }] }, 'not_found'],
    [{ input: [{ id: 'msg_of_ann' }] }, 'not_found'],
    [{ previous_response_id: 'resp_of_nobody' }, 'not_found'],
  ]
  it.each(foreign)(
    'does not run a request that names something of another owner: %j',
    async (body, code) => {
      for (const content of [line(body), `${own}\r\n\r\n${line(body)}\r\n`]) {
        const { start, started } = await openWith(content)
        expect(await refusal(await start('bob'))).toMatchObject({ status: 404, error: { code } })
        expect(started()).toBe(false)
      }
    },
  )

  it('runs requests that name the caller’s own things or nothing, with unchanged metadata', async () => {
    const words = line({ input: 'hi', metadata: { container_id: 'any words' } })
    const { start, started } = await openWith(`${own}\n${words}\n`)
    expect((await start('bob')).status).toBe(200)
    expect(started()).toBe(true)
  })

  const doubled =
    '{"body":{"previous_response_id":"resp_of_bob","previous_response_id":"resp_of_ann"}}'
  const unclear = ['{"body":{NaN}}', '{"body":{}} {}', doubled, '{"Body":1', '\uFEFF{}']
  it.each(unclear)('is refused when parsers can read a line differently: %s', async (content) => {
    const { start, started } = await openWith(content)
    expect((await start('bob')).status).toBe(400)
    expect(started()).toBe(false)
  })

  const others = [
    '{"custom_id":"1","method":"GET","url":"/v1/responses/resp_of_ann","body":{}}',
    '{"custom_id":"1","method":"POST","url":"/v1/responses/resp_of_ann/cancel","body":{}}',
    '{"custom_id":"1","method":"POST","url":"/v1/responses/../files/file-1","body":{}}',
    '{"custom_id":"1","method":"POST","url":"https://evil.example/v1/responses","body":{}}',
    '{"custom_id":"1","method":"POST","url":["/v1/responses/resp_of_ann"],"body":{}}',
    '{"custom_id":"1","method":"DELETE","url":"/v1/responses","body":{}}',
    '{"custom_id":"1","method":"POST","url":"/v1/responses","body":"{\\"previous_response_id\\":1}"}',
    '{"custom_id":"1","method":"POST","url":"/v1/responses","url":"/v1/files","body":{}}',
    '[{"method":"GET","url":"/v1/responses/resp_of_ann","body":{}}]',
  ]
  it.each(others)('is refused when a line does not create an answer: %s', async (content) => {
    const { start, started } = await openWith(`${own}\n${content}`)
    expect((await start('bob')).status).toBe(400)
    expect(started()).toBe(false)
  })

  it('is refused when its requests are also in a storage account', async () => {
    for (const key of ['input_blob', 'Input_Blob', 'inputBlob']) {
      const { start, started } = await openWith(own)
      const input = { input_file_id: 'file-1', [key]: 'https://blob.example/a.jsonl' }
      expect((await start('bob', input)).status).toBe(400)
      expect(started()).toBe(false)
    }
  })

  it('is refused when its results go to a storage account', async () => {
    const { start, started } = await openWith(own)
    const output = { input_file_id: 'file-1', output_folder: { url: 'https://blob.example/out' } }
    expect((await start('bob', output)).status).toBe(400)
    expect(started()).toBe(false)
  })

  it('is refused when its requests are missing or too large to be read', async () => {
    const elsewhere = await openWith(own)
    expect((await elsewhere.start('bob', { input_blob: 'https://blob.example' })).status).toBe(400)
    expect(elsewhere.started()).toBe(false)
    const large = await openWith(`${own}\n`.repeat(100), 4096)
    expect((await large.start('bob')).status).toBe(413)
    expect(large.started()).toBe(false)
  })

  it('is refused when its requests name more than 1,000 things', async () => {
    const lines = Array.from({ length: 1001 }, (_, index) =>
      line({ previous_response_id: `resp_${index}` }),
    )
    const { start } = await openWith(lines.join('\n'))
    expect((await start('bob')).status).toBe(400)
  })

  it('of an admin passes unread', async () => {
    const { start, started } = await openWith('no JSON')
    expect((await start('admin')).status).toBe(200)
    expect(started()).toBe(true)
  })
})

describe('an eval over the rows of a file', () => {
  const source = { type: 'file_id', id: 'file-1' }
  const row = (...messages: object[]) => JSON.stringify({ item: { messages } })
  const said = (...content: object[]) => ({ role: 'user', content })

  const foreign: [row: string, code: string][] = [
    [row({ type: 'item_reference', id: 'msg_of_ann' }), 'not_found'],
    [row({ id: 'msg_of_ann' }), 'not_found'],
    [row({ type: 'reasoning', id: 'msg_of_ann', summary: [] }), 'not_found'],
    [row(said({ type: 'input_file', file_id: 'file-of-ann' })), 'file_not_found'],
    [row({ type: 'code_interpreter_call', container_id: 'cntr_of_ann' }), 'container_not_found'],
    [JSON.stringify({ messages: [said({ file_id: 'file-nobodys' })] }), 'file_not_found'],
  ]
  it.each(foreign)(
    'does not run when a row names something of another owner: %s',
    async (text, code) => {
      for (const content of [text, `${row(said())}\r\n${text}`]) {
        const { evaluate, evaluated } = await openWith(content)
        expect(await refusal(await evaluate('bob', source))).toMatchObject({
          status: 404,
          error: { code },
        })
        expect((await evaluate('bob', 'file-1')).status).toBeGreaterThanOrEqual(400)
        expect(evaluated()).toBe(false)
      }
    },
  )

  it('runs when the rows name the caller’s own things and hold any other data', async () => {
    const own = row(said({ type: 'input_file', file_id: 'file-1' }))
    const other =
      '{"item":{"input_blob":"x","id":"r1","user":{"id":"u1"},"container":17,"source":"file-9"}}'
    const { evaluate, evaluated } = await openWith(`${own}\n${other}\n{"Item":1,"item":2}\n`)
    expect((await evaluate('bob', source)).status).toBe(404)
    const readable = await openWith(`${own}\n${other.replace('file-9', 'any text')}\n{"a":1}\n`)
    expect((await readable.evaluate('bob', source)).status).toBe(200)
    expect([evaluated(), readable.evaluated()]).toEqual([false, true])
  })

  it('is refused when a row is no JSON or the file is too large, except for an admin', async () => {
    const wrong = await openWith('{"item":NaN}')
    expect((await wrong.evaluate('bob', source)).status).toBe(400)
    const large = await openWith(`${row(said())}\n`.repeat(200), 4096)
    expect((await large.evaluate('bob', source)).status).toBe(413)
    expect([wrong.evaluated(), large.evaluated()]).toEqual([false, false])
    expect((await wrong.evaluate('admin', source)).status).toBe(200)
    expect(wrong.evaluated()).toBe(true)
  })
})

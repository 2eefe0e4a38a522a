import { describe, expect, it } from 'vitest'
import type { CallItem, ResponseObject } from '../../src/emulator/shapes.ts'
import {
  annotationsOf,
  autoContainer,
  citationsOf,
  first,
  openEmulator,
  refusal,
  startTime,
  textOf,
} from './ask.ts'

function callOf(response: ResponseObject): CallItem {
  const call = response.output.find((item) => item.type === 'code_interpreter_call')
  if (call?.type !== 'code_interpreter_call') throw new Error('There is no call.')
  return call
}

const includeOutputs = { include: ['code_interpreter_call.outputs'] }

describe('an answer', () => {
  it('has every field of a recorded one, and returns the settings of the request', async () => {
    const { respond } = openEmulator()
    const response = await respond('hello', { instructions: 'be brief', metadata: { a: '1' } })
    expect(Object.keys(response)).toEqual(
      'id object created_at status background content_filters error incomplete_details instructions max_output_tokens max_tool_calls model output parallel_tool_calls previous_response_id prompt_cache_key reasoning safety_identifier service_tier store temperature text tool_choice tools top_logprobs top_p truncation usage user metadata'.split(
        ' ',
      ),
    )
    expect(response).toMatchObject({
      id: expect.stringMatching(/^resp_[0-9a-f]{50}$/),
      created_at: startTime,
      status: 'completed',
      model: 'gpt-4.1',
      instructions: 'be brief',
      metadata: { a: '1' },
      tools: autoContainer,
    })
  })

  it('says that neither a model nor Python ran, also in its code', async () => {
    const response = await openEmulator().respond('a chart and a CSV')
    expect(textOf(response)).toMatch(/emulator.*no model runs.*no Python ran/)
    expect(callOf(response).code).toMatch(/^# Not run/)
  })

  it('is only text without the code interpreter', async () => {
    const response = await openEmulator().respond('a CSV', { tools: [] })
    expect(response.output.map(({ type }) => type)).toEqual(['message'])
    expect(citationsOf(response)).toEqual([])
  })

  it('has a call but no citation if no file is requested', async () => {
    const asking = openEmulator()
    const response = await asking.respond('Hello!')
    expect(response.output.map(({ type }) => type)).toEqual(['code_interpreter_call', 'message'])
    expect(citationsOf(response)).toEqual([])
    expect(await asking.listFiles(callOf(response).container_id)).toEqual([])
  })

  it('begins with reasoning if the model has it', async () => {
    const response = await openEmulator().respond('hi', { model: 'gpt-5-mini' })
    expect(response.output[0]).toMatchObject({ type: 'reasoning', summary: [] })
  })

  it('follows the last message of the user', async () => {
    const { respond } = openEmulator()
    const input = [
      { role: 'user', content: 'a chart' },
      { role: 'assistant', content: 'a spreadsheet' },
      { role: 'user', content: [{ type: 'input_text', text: 'now a CSV' }] },
    ]
    const names = citationsOf(await respond(input as unknown as string)).map((c) => c.filename)
    expect(names).toEqual(['sales.csv'])
  })
})

describe('citations', () => {
  it('span exactly the link, for any name', async () => {
    const { respond } = openEmulator()
    const response = await respond(
      'Save "a 📊 (1) [x].csv", “Größe 2.csv”, `b.csv` and out/t.csv as CSV.',
    )
    const links = citationsOf(response).map(({ filename, start_index, end_index }) => [
      filename,
      textOf(response).slice(start_index, end_index),
    ])
    expect(links).toEqual([
      ['a 📊 (1) [x].csv', 'sandbox:/mnt/data/a 📊 (1) [x].csv'],
      ['Größe 2.csv', 'sandbox:/mnt/data/Größe 2.csv'],
      ['b.csv', 'sandbox:/mnt/data/b.csv'],
      ['t.csv', 'sandbox:/mnt/data/out/t.csv'],
    ])
    expect(textOf(response)).toContain('- [b.csv](sandbox:/mnt/data/b.csv)')
  })

  it('count code points on request, as Python does', async () => {
    const response = await openEmulator().respond('"📊.csv" and b.csv [code points]')
    const points = [...textOf(response)]
    const links = citationsOf(response).map(({ start_index, end_index }) =>
      points.slice(start_index, end_index).join(''),
    )
    expect(links).toEqual(['sandbox:/mnt/data/📊.csv', 'sandbox:/mnt/data/b.csv'])
    expect(textOf(response).slice(citationsOf(response)[1]?.start_index)).not.toMatch(/^sandbox/)
  })

  it('of a chart are two: the automatic plot without a link, and the same picture by its name', async () => {
    const asking = openEmulator()
    const response = await asking.respond('Draw a chart.')
    const [plot, saved, ...others] = citationsOf(response)
    expect(others).toEqual([])
    expect(plot).toMatchObject({ start_index: 0, end_index: 0, filename: `${plot?.file_id}.png` })
    expect(saved).toMatchObject({ filename: 'sales_chart.png' })
    expect(textOf(response)).not.toContain(plot?.filename)
    const bytes = await Promise.all(
      citationsOf(response).map(async (file) => (await asking.content(file)).arrayBuffer()),
    )
    expect(bytes[0]).toEqual(bytes[1])
  })

  it('can be absent, wrong, or at an image', async () => {
    const { respond } = openEmulator()
    const silent = await respond('a CSV [no annotations]')
    expect(citationsOf(silent)).toEqual([])
    expect(textOf(silent)).toContain('(sandbox:/mnt/data/sales.csv)')
    const wrong = await respond('a CSV [wrong spans]')
    const { start_index, end_index } = first(citationsOf(wrong))
    expect(textOf(wrong).slice(start_index, end_index)).not.toMatch(/^sandbox:/)
    expect(textOf(await respond('a chart [image link]'))).toContain('- ![sales_chart.png](sandbox:')
  })

  it('can occur twice, and before a refusal', async () => {
    const { respond } = openEmulator()
    const twice = await respond('a CSV [twice]')
    const spans = citationsOf(twice).map(({ start_index, end_index }) =>
      textOf(twice).slice(start_index, end_index),
    )
    expect(spans).toEqual(Array(2).fill('sandbox:/mnt/data/sales.csv'))
    const message = (await respond('a CSV [refusal]')).output.at(-1)
    const parts = message?.type === 'message' ? message.content : []
    expect(parts.map(({ type }) => type)).toEqual(['output_text', 'refusal'])
  })

  it('leave out a scratch file, which only the container’s list shows', async () => {
    const asking = openEmulator()
    const response = await asking.respond('a CSV and an uncited scratch file')
    const rows = await asking.listFiles(callOf(response).container_id)
    expect(rows.map(({ path }) => path)).toEqual(['/mnt/data/sales.csv', '/mnt/data/scratch.txt'])
    expect(JSON.stringify(response)).not.toMatch(/\(sandbox:[^)]*scratch/)
    expect(citationsOf(response)).toHaveLength(1)
  })

  it('may lead to rows without a size', async () => {
    const asking = openEmulator()
    const response = await asking.respond('a CSV [null bytes]')
    const row = first(await asking.listFiles(callOf(response).container_id))
    expect(row.bytes).toBeNull()
  })
})

describe('outputs of the call', () => {
  it('are null unless the client includes them, at once or later', async () => {
    const { respond, get } = openEmulator()
    const without = await respond('a chart')
    expect(callOf(without).outputs).toBeNull()
    const later = await get(`/responses/${without.id}?include[]=code_interpreter_call.outputs`)
    expect(callOf(await later.json()).outputs).toHaveLength(2)
  })

  it('contain the picture inline and the printed text', async () => {
    const asking = openEmulator()
    const response = await asking.respond('a chart', includeOutputs)
    const { outputs } = callOf(response)
    expect(outputs?.map(({ type }) => type)).toEqual(['image', 'logs'])
    const url = outputs?.[0]?.type === 'image' ? outputs[0].url : ''
    const inline = await (await fetch(url)).arrayBuffer()
    const stored = await asking.content(first(citationsOf(response)))
    expect(new Uint8Array(inline)).toEqual(new Uint8Array(await stored.arrayBuffer()))
  })
})

describe('containers of answers', () => {
  it('are used again by the next turn until they expire', async () => {
    const asking = openEmulator()
    const one = await asking.respond('a CSV')
    const two = await asking.respond('a CSV', { previous_response_id: one.id })
    expect(callOf(two).container_id).toBe(callOf(one).container_id)
    const rows = await asking.listFiles(callOf(one).container_id)
    expect(rows.map(({ path }) => path)).toEqual(['/mnt/data/sales.csv', '/mnt/data/sales.csv'])
    asking.advance(3600)
    await expect(asking.respond('a CSV', { previous_response_id: two.id })).rejects.toThrow(
      'Container is expired.',
    )
  })

  it('are used again from replayed history too, which fails after their expiry', async () => {
    const asking = openEmulator()
    const one = await asking.respond('a CSV')
    const input = [...one.output, { role: 'user', content: 'a chart' }] as unknown as string
    expect(callOf(await asking.respond(input)).container_id).toBe(callOf(one).container_id)
    asking.advance(3600)
    const body = { model: 'm', input, tools: autoContainer }
    const [status, answer] = await refusal(await asking.post('/responses', body))
    const { message } = (answer as { error: { message: string } }).error
    expect([status, message]).toEqual([400, `Expected container_id: ${callOf(one).container_id}`])
  })

  it('can be named, and contain mounted files', async () => {
    const asking = openEmulator()
    const upload = await asking.upload('/files', new File(['x'], 'in.csv'), {
      purpose: 'assistants',
    })
    const { id } = (await upload.json()) as { id: string }
    const tools = [{ type: 'code_interpreter', container: { type: 'auto', file_ids: [id] } }]
    const response = await asking.respond('hello', { tools })
    const { container_id } = callOf(response)
    expect(first(await asking.listFiles(container_id)).path).toBe(`/mnt/data/${id}-in.csv`)
    const named = [{ type: 'code_interpreter', container: container_id }]
    expect(callOf(await asking.respond('hi', { tools: named })).container_id).toBe(container_id)
  })

  it('are refused if they are unknown or expired, or if their name is too long', async () => {
    const asking = openEmulator()
    const refuse = async (container: unknown) => {
      const tools = [{ type: 'code_interpreter', container }]
      return refusal(await asking.post('/responses', { model: 'm', input: 'hi', tools }))
    }
    const error = (message: string, param: string | null = null, code: string | null = null) => ({
      error: { message, type: 'invalid_request_error', param, code },
    })
    const { container_id } = callOf(await asking.respond('hi'))
    asking.advance(3600)
    expect(await refuse(container_id)).toEqual([400, error('Container is expired.')])
    expect(await refuse('cntr_none')).toEqual([
      404,
      error("Container with id 'cntr_none' not found."),
    ])
    const param = 'tools[0].container'
    expect(await refuse('c'.repeat(65))).toEqual([
      400,
      error(expect.stringContaining('maximum length 64'), param, 'string_above_max_length'),
    ])
    expect(await refuse(undefined)).toEqual([
      400,
      error(`Missing required parameter: '${param}'.`, param, 'missing_required_parameter'),
    ])
  })
})

describe('refused requests', () => {
  const refused: [string, object, string][] = [
    ['no model', { input: 'hi' }, 'missing_required_parameter'],
    ['no input', { model: 'm' }, 'missing_required_parameter'],
    [
      'an unknown previous response',
      { model: 'm', input: 'hi', previous_response_id: 'resp_none' },
      'previous_response_not_found',
    ],
  ]
  it.each(refused)('%s', async (_, body, code) => {
    const [status, answer] = await refusal(await openEmulator().post('/responses', body))
    expect([status, answer]).toEqual([400, { error: expect.objectContaining({ code }) }])
  })

  it('a body that is not a JSON object', async () => {
    const { request } = openEmulator()
    for (const body of ['{', '[]', '']) {
      const answer = await request('/openai/v1/responses', { method: 'POST', body })
      expect(answer.status).toBe(400)
    }
  })

  it('additional fields in a replayed answer', async () => {
    const { respond, post } = openEmulator()
    const { output } = await respond('a CSV')
    const replay = async (added: object) => {
      const copy = structuredClone(output)
      const item = copy[1]
      if (item?.type === 'message') Object.assign(first(item.content.flatMap(annotationsOf)), added)
      const input = [...copy, { role: 'user', content: 'thanks' }]
      return post('/responses', { model: 'm', input, tools: autoContainer })
    }
    expect((await replay({})).status).toBe(200)
    const param = 'input[1].content[0].annotations[0].download_url'
    expect(await refusal(await replay({ download_url: 'https://x' }))).toEqual([
      400,
      {
        error: {
          message: `Unknown parameter: '${param}'.`,
          type: 'invalid_request_error',
          param,
          code: 'unknown_parameter',
        },
      },
    ])
  })

  it('an unknown deployment, if deployments are set', async () => {
    const { post } = openEmulator({ models: ['mine'] })
    expect((await post('/responses', { model: 'mine', input: 'hi' })).status).toBe(200)
    const [status, body] = await refusal(await post('/responses', { model: 'm', input: 'hi' }))
    expect([status, body]).toMatchObject([404, { error: { code: 'DeploymentNotFound' } }])
  })
})

describe('a stored response', () => {
  it('can be read with its input, and deleted', async () => {
    const asking = openEmulator()
    const response = await asking.respond('a CSV')
    expect(await (await asking.get(`/responses/${response.id}`)).json()).toEqual(response)
    const items = await asking.get(`/responses/${response.id}/input_items`)
    expect(await items.json()).toMatchObject({
      object: 'list',
      data: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'a CSV' }] }],
    })
    const deleted = await asking.delete(`/responses/${response.id}`)
    expect(await deleted.json()).toEqual({ id: response.id, object: 'response', deleted: true })
    expect((await asking.get(`/responses/${response.id}`)).status).toBe(404)
  })

  it('does not exist with store: false', async () => {
    const asking = openEmulator()
    const { id } = await asking.respond('a CSV', { store: false })
    expect((await asking.get(`/responses/${id}`)).status).toBe(404)
  })

  it('is compacted to the user’s text', async () => {
    const answer = await openEmulator().post('/responses/compact', { model: 'm', input: 'hello' })
    expect(await answer.json()).toMatchObject({
      object: 'response.compaction',
      output: [{ role: 'user' }, { type: 'compaction' }],
    })
  })
})

describe('a background response', () => {
  const background = { background: true }

  it('is queued, then in progress, then completed', async () => {
    const asking = openEmulator()
    const { id, status, output } = await asking.respond('a CSV', background)
    expect([status, output]).toEqual(['queued', []])
    const poll = async () => (await (await asking.get(`/responses/${id}`)).json()) as ResponseObject
    expect((await poll()).status).toBe('in_progress')
    const done = await poll()
    expect([done.status, citationsOf(done).length]).toEqual(['completed', 1])
  })

  it('is completed after a while without polls', async () => {
    const asking = openEmulator()
    const { id } = await asking.respond('a CSV', background)
    asking.advance(10)
    expect(await (await asking.get(`/responses/${id}`)).json()).toMatchObject({
      status: 'completed',
    })
  })

  it('can be cancelled twice; any other response cannot', async () => {
    const asking = openEmulator()
    const { id } = await asking.respond('a CSV', background)
    for (let time = 0; time < 2; time += 1) {
      const answer = await asking.post(`/responses/${id}/cancel`, {})
      expect(await answer.json()).toMatchObject({ status: 'cancelled', output: [] })
    }
    const { id: other } = await asking.respond('a CSV')
    expect((await asking.post(`/responses/${other}/cancel`, {})).status).toBe(400)
  })

  it('must be stored', async () => {
    const body = { model: 'm', input: 'hi', background: true, store: false }
    expect((await openEmulator().post('/responses', body)).status).toBe(400)
  })
})

describe('a failed answer', () => {
  it('says that it failed', async () => {
    const { respond } = openEmulator()
    const failed = await respond('a CSV [fail]')
    expect(failed).toMatchObject({
      status: 'failed',
      error: { code: 'server_error', message: 'The emulator was asked to fail.' },
      output: [],
    })
    expect(await respond('a CSV [incomplete]')).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    })
  })
})

describe('a conversation', () => {
  it('contains both sides of each turn, and its container', async () => {
    const asking = openEmulator()
    const made = await asking.post('/conversations', { metadata: { topic: 'x' } })
    const conversation = (await made.json()) as { id: string }
    expect(conversation).toEqual({
      id: expect.stringMatching(/^conv_/),
      object: 'conversation',
      created_at: startTime,
      metadata: { topic: 'x' },
    })
    const one = await asking.respond('a CSV', { conversation: conversation.id })
    const two = await asking.respond('a chart', { conversation: { id: conversation.id } })
    expect(two).toMatchObject({ conversation: { id: conversation.id } })
    expect(callOf(two).container_id).toBe(callOf(one).container_id)
    const items = await asking.get(`/conversations/${conversation.id}/items?order=asc`)
    const { data } = (await items.json()) as { data: { type: string; role?: string }[] }
    const turn = ['user', 'code_interpreter_call', 'assistant']
    expect(data.map(({ role, type }) => role ?? type)).toEqual([...turn, ...turn])
    await asking.delete(`/conversations/${conversation.id}`)
    const body = { model: 'm', input: 'hi', conversation: conversation.id }
    expect((await asking.post('/responses', body)).status).toBe(404)
  })

  it('accepts items, but no unknown fields', async () => {
    const { post } = openEmulator()
    const { id } = (await (await post('/conversations', {})).json()) as { id: string }
    const items = [{ type: 'message', role: 'user', content: 'hi' }]
    const added = await post(`/conversations/${id}/items`, { items })
    expect(await added.json()).toMatchObject({ object: 'list', data: [{ role: 'user' }] })
    const part = { type: 'output_text', text: '', annotations: [{ type: 'x', download_url: 'y' }] }
    const replayed = { items: [{ type: 'message', role: 'assistant', content: [part] }] }
    expect((await post(`/conversations/${id}/items`, replayed)).status).toBe(400)
  })
})

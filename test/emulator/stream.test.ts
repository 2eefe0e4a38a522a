import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeResponse } from '../../src/emulator/response-object.ts'
import { eventsOf, toEventStream } from '../../src/emulator/response-stream.ts'
import type { ResponseObject } from '../../src/emulator/shapes.ts'
import { rounds } from '../lib/rounds.ts'
import { type Asking, autoContainer, citationsOf, openEmulator, readEvents, textOf } from './ask.ts'

async function stream({ post }: Asking, input: string, more: object = {}) {
  const body = { model: 'gpt-5-mini', input, tools: autoContainer, stream: true, ...more }
  const answer = await post('/responses', body)
  expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  return readEvents(await answer.text())
}

function named(events: readonly Record<string, unknown>[], type: string) {
  return events.filter((event) => event.type === `response.${type}`)
}

describe('a streamed answer', () => {
  it("sends its events in Azure's order: the container first, the file id after its link", async () => {
    const events = await stream(openEmulator(), 'a CSV')
    const order = events.map(({ type }) => String(type).replace('response.', ''))
    expect(order.filter((type, index) => type !== order[index - 1])).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'output_item.done',
      'output_item.added',
      'code_interpreter_call.in_progress',
      'code_interpreter_call_code.delta',
      'code_interpreter_call_code.done',
      'code_interpreter_call.interpreting',
      'code_interpreter_call.completed',
      'output_item.done',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.annotation.added',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'completed',
    ])
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual([...events.keys()])
    const added = named(events, 'output_item.added')[1]
    expect(added?.item).toMatchObject({ container_id: expect.stringMatching(/^cntr_/), code: '' })
  })

  it('has the keys of the recorded events, in their order', async () => {
    const events = await stream(openEmulator(), 'a CSV')
    const keys = (type: string) => Object.keys(named(events, type)[0] ?? {}).join(' ')
    expect(keys('output_item.added')).toBe('type sequence_number output_index item')
    expect(keys('code_interpreter_call_code.delta')).toBe(
      'type sequence_number output_index item_id delta obfuscation',
    )
    expect(keys('output_text.delta')).toBe(
      'type sequence_number item_id output_index content_index delta logprobs obfuscation',
    )
    expect(keys('output_text.annotation.added')).toBe(
      'type sequence_number item_id output_index content_index annotation_index annotation',
    )
    expect(keys('output_text.done')).toBe(
      'type sequence_number item_id output_index content_index text logprobs',
    )
    expect(keys('content_part.done')).toBe(
      'type sequence_number item_id output_index content_index part',
    )
  })

  it('splits every link over several deltas, which together are the text', async () => {
    const events = await stream(openEmulator(), 'a CSV and a chart')
    const { response } = named(events, 'completed')[0] as { response: ResponseObject }
    const deltas = named(events, 'output_text.delta').map(({ delta }) => String(delta))
    expect(deltas.join('')).toBe(textOf(response))
    expect(named(events, 'output_text.done')[0]?.text).toBe(textOf(response))
    expect(deltas.filter((delta) => delta.includes('sandbox:/'))).toEqual([])
    expect(named(events, 'output_text.annotation.added').map((event) => event.annotation)).toEqual(
      citationsOf(response),
    )
  })

  it('hides the length of its deltas, unless the client disables it', async () => {
    const asking = openEmulator()
    for (const { delta, obfuscation } of named(await stream(asking, 'hi'), 'output_text.delta')) {
      expect((String(delta).length + String(obfuscation).length) % 16).toBe(0)
    }
    const plain = await stream(asking, 'hi', { stream_options: { include_obfuscation: false } })
    expect(JSON.stringify(plain)).not.toContain('obfuscation')
  })

  it('has no outputs unless the client includes them', async () => {
    const asking = openEmulator()
    const itemsOf = (events: Record<string, unknown>[]) =>
      named(events, 'output_item.done').map(({ item }) => item)
    expect(itemsOf(await stream(asking, 'a chart'))[1]).toMatchObject({ outputs: null })
    const include = ['code_interpreter_call.outputs']
    const events = await stream(asking, 'a chart', { include })
    expect(itemsOf(events)[1]).toMatchObject({ outputs: [{ type: 'image' }, { type: 'logs' }] })
    expect(named(events, 'output_item.added')[1]?.item).toMatchObject({ outputs: [] })
  })

  it('ends as failed, after an error event on request', async () => {
    const asking = openEmulator()
    const types = (events: Record<string, unknown>[]) => events.map(({ type }) => type)
    const begin = ['response.created', 'response.in_progress']
    expect(types(await stream(asking, '[fail]'))).toEqual([...begin, 'response.failed'])
    expect(types(await stream(asking, '[error]'))).toEqual([...begin, 'error', 'response.failed'])
    expect(types(await stream(asking, '[incomplete]')).at(-1)).toBe('response.incomplete')
  })

  it('is resumed after any event, if it was a stream from the start', async () => {
    const asking = openEmulator()
    const events = await stream(asking, 'a CSV', { background: true })
    expect(events[1]).toMatchObject({ type: 'response.queued', response: { status: 'queued' } })
    const { response } = events.at(-1) as { response: ResponseObject }
    const path = `/responses/${response.id}?stream=true&include_obfuscation=false`
    const rest = readEvents(await (await asking.get(`${path}&starting_after=40`)).text())
    const seen = events.map(({ obfuscation: _, ...event }) => event)
    expect(rest).toEqual(seen.slice(41))
    const { id } = await asking.respond('a CSV')
    expect((await asking.get(`/responses/${id}?stream=true`)).status).toBe(400)
  })

  it('waits between events, and stops when the client leaves', async () => {
    const waited: number[] = []
    const asking = openEmulator({
      deltaDelayMs: 7,
      wait: async (ms) => {
        waited.push(ms)
      },
    })
    const body = { model: 'm', input: 'a CSV', tools: autoContainer, stream: true }
    const reader = (await asking.post('/responses', body)).body?.getReader()
    await reader?.read()
    await reader?.read()
    await reader?.cancel()
    expect(waited).toEqual([7, 7])
  })

  it('loses no character of any text', async () => {
    const property = fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
      const response = makeResponse({
        id: 'resp_1',
        now: 0,
        prompt: '',
        body: { model: 'm' },
        output: [
          {
            id: 'msg_1',
            type: 'message',
            status: 'completed',
            role: 'assistant',
            content: [{ type: 'output_text', annotations: [], logprobs: [], text }],
          },
        ],
      })
      const pause = async (): Promise<void> => {}
      const sent = toEventStream(eventsOf(response, false), { startingAfter: -1, pause })
      const events = readEvents(await new Response(sent).text())
      const deltas = named(events, 'output_text.delta').map(({ delta }) => delta)
      expect(deltas.join('')).toBe(text)
    })
    await fc.assert(property, { seed: 1, numRuns: rounds(100) })
  })
})

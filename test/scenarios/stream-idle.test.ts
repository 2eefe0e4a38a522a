/**
 * A stalled stream of events is broken after the timeout, so that no client waits forever or takes half an answer for a
 * whole one.
 */

import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import type { AppOptions } from '../../src/options.ts'
import { errorCode, json, responseRequest } from '../lib/harness.ts'

const limit = 120
const event = (text: string) => {
  const data = { type: 'response.output_text.delta', item_id: 'm', output_index: 0, delta: text }
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
}
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** An upstream that sends these pieces, waits for these milliseconds, and then sends nothing more. */
function open(script: readonly (string | number | 'end')[], more: Partial<AppOptions> = {}) {
  const state = { cancelled: 0 }
  const fetch = async () => {
    let isGone = false
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        for (const step of script) {
          if (isGone) return
          if (typeof step === 'number') await pause(step)
          else if (step === 'end') controller.close()
          else controller.enqueue(new TextEncoder().encode(step))
        }
      },
      cancel() {
        isGone = true
        state.cancelled += 1
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
  const upstream = { endpoint: 'http://upstream.localhost', credential: apiKey('a-key'), fetch }
  const app = createApp({ upstreams: [upstream], streamIdleTimeoutMs: limit, ...more })
  return { app, state }
}

/** All that arrived, how it ended, and after how many milliseconds. */
async function readAll({ app }: { app: ReturnType<typeof createApp> }, path: string, restMs = 0) {
  const began = performance.now()
  const init = json(responseRequest('hi', { stream: true }))
  const { body } = await app.request(path, init)
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let text = ''
  let ending = 'whole'
  try {
    for (;;) {
      await pause(restMs)
      const { done, value } = await reader.read()
      if (done) break
      text += decoder.decode(value, { stream: true })
    }
  } catch {
    ending = 'broken'
  }
  return { text, ending, took: performance.now() - began }
}

const responses = '/openai/v1/responses'

describe.concurrent.each(['off', 'annotate', 'rewrite'] as const)(
  'with CFILE_LINKS=%s',
  (links) => {
    it('a stalled stream breaks after the timeout, after everything that arrived, and is aborted upstream', async () => {
      const gateway = open([event('one '), 20, event('two [a](sandbox:/mn')], { links })
      const { text, ending, took } = await readAll(gateway, responses)
      expect(text).toContain(event('one '))
      expect(text).toContain('sandbox:/mn')
      expect(ending).toBe('broken')
      expect(took).toBeGreaterThan(limit)
      expect(took).toBeLessThan(5000)
      expect(gateway.state.cancelled).toBe(1)
    })

    it('a stream that keeps sending may take any time', async () => {
      const script = Array.from({ length: 8 }, (_, index) => [limit / 3, event(`${index} `)]).flat()
      const { text, ending, took } = await readAll(open([...script, 'end'], { links }), responses)
      expect(ending).toBe('whole')
      expect(text).toBe(script.filter((step) => typeof step === 'string').join(''))
      expect(took).toBeGreaterThan(2 * limit)
    })

    it('a slow reader does not trigger the timeout', async () => {
      const gateway = open([event('one '), event('two '), event('three '), 'end'], { links })
      const { text, ending } = await readAll(gateway, responses, 2 * limit)
      expect([text, ending]).toEqual([event('one ') + event('two ') + event('three '), 'whole'])
    })
  },
)

describe('a stream of another part of the API', () => {
  it('has the same timeout', async () => {
    const gateway = open(['data: {"choices":[]}\n\n'])
    const { text, ending } = await readAll(gateway, '/openai/v1/chat/completions')
    expect([text, ending]).toEqual(['data: {"choices":[]}\n\n', 'broken'])
    expect(gateway.state.cancelled).toBe(1)
  })
})

describe('a stream without any event', () => {
  it('is answered with an error code; comments and pings count as bytes', async () => {
    const gateway = open([])
    const answer = await gateway.app.request(responses, json(responseRequest('hi')))
    expect([answer.status, await errorCode(answer)]).toEqual([504, 'upstream_timeout'])
    expect(gateway.state.cancelled).toBe(1)
    const ping = ': ping\n\n'
    const pinging = open([ping, limit / 2, ping, limit / 2, ping, limit / 2, ping, 'end'])
    expect(await readAll(pinging, responses)).toMatchObject({
      text: ping.repeat(4),
      ending: 'whole',
    })
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { json, responseRequest } from '../lib/harness.ts'
import { rounds } from '../lib/rounds.ts'

/** Cuts bytes at these places, given as fractions of the length. */
function chunked(bytes: Uint8Array, cuts: readonly number[]): ReadableStream<Uint8Array> {
  const places = [0, ...cuts.map((cut) => Math.floor(cut * bytes.length)), bytes.length]
  places.sort((a, b) => a - b)
  const chunks = places.slice(1).map((end, index) => bytes.slice(places[index], end))
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) if (chunk.length > 0) controller.enqueue(chunk)
      controller.close()
    },
  })
}

/** The output of a gateway with `CFILE_LINKS=off` whose upstream answers with these bytes. */
async function through(
  bytes: Uint8Array,
  cuts: readonly number[],
  contentType: string,
  path = '/openai/v1/responses',
): Promise<Uint8Array> {
  const app = createApp({
    links: 'off',
    upstreams: [
      {
        endpoint: 'http://upstream.localhost',
        credential: apiKey('k'),
        fetch: async () =>
          new Response(chunked(bytes, cuts), { headers: { 'content-type': contentType } }),
      },
    ],
  })
  const answer = await app.request(path, json({ model: 'm', input: 'hi' }))
  return new Uint8Array(await answer.arrayBuffer())
}

async function recorded(more: object, prompt: string): Promise<Uint8Array> {
  const emulator = createEmulator({ now: () => 1_790_000_000 })
  const answer = await emulator.request('/openai/v1/responses', json(responseRequest(prompt, more)))
  return new Uint8Array(await answer.arrayBuffer())
}

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 60 })
const prompts = [
  'Draw a chart and save a CSV. [image link]',
  'hi',
  '[error]',
  'Save "ünï ✓ 😀.csv".',
]

describe('with CFILE_LINKS=off', () => {
  it.each(prompts)('a stream passes byte for byte, with any chunks: %s', async (prompt) => {
    const bytes = await recorded({ stream: true }, prompt)
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        expect(await through(bytes, places, 'text/event-stream; charset=utf-8')).toEqual(bytes)
      }),
      { numRuns: rounds(20) },
    )
  })

  it.each(prompts)('JSON passes byte for byte, with any chunks: %s', async (prompt) => {
    const bytes = await recorded({}, prompt)
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        expect(await through(bytes, places, 'application/json')).toEqual(bytes)
      }),
      { numRuns: rounds(20) },
    )
  })

  it('passes bodies of a wrong content type byte for byte', async () => {
    const type = fc.constantFrom('text/event-stream', 'application/json', 'image/png', 'text/html')
    const path = fc.constantFrom(
      '/openai/v1/responses',
      '/openai/v1/containers',
      '/openai/v1/chat/completions',
      '/openai/v1/audio/speech',
    )
    const line = fc.constantFrom('\n', '\r\n', '\r', 'data: ', '{"a":1.0}', ':', '\n\n', '﻿')
    const text = fc
      .array(line, { maxLength: 40 })
      .map((parts) => new TextEncoder().encode(parts.join('')))
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 400 }), text)
    await fc.assert(
      fc.asyncProperty(bytes, cuts, type, path, async (body, places, contentType, where) => {
        expect(await through(body, places, contentType, where)).toEqual(body)
      }),
      { numRuns: rounds(100) },
    )
  })
})

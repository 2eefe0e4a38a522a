/**
 * A stalled stream as a client sees it, from the setting to the socket.
 */

import OpenAI from 'openai'
import { expect, it, onTestFinished } from 'vitest'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { serve } from '../../src/node.ts'
import { json, responseRequest } from '../lib/harness.ts'
import { serveApp } from '../lib/served.ts'

const limit = 300

async function open(links: string) {
  const azure = await serveApp(createEmulator())
  const server = await serve({
    AZURE_OPENAI_ENDPOINT: azure.url,
    AZURE_OPENAI_API_KEY: 'a-key',
    CFILE_STORE: 'memory:',
    CFILE_LINKS: links,
    CFILE_STREAM_IDLE_TIMEOUT_MS: String(limit),
    LOG_LEVEL: 'silent',
    PORT: '0',
  })
  onTestFinished(async () => {
    await server.close()
    await azure.close()
  })
  const match = { path: '/responses', method: 'POST' }
  await fetch(`${azure.url}/emulator/faults`, json({ match, stall_after: 1500, times: 9 }))
  return server.url
}

it.each(['off', 'rewrite'])(
  'breaks the connection after the timeout, which the client can detect, with CFILE_LINKS=%s',
  async (links) => {
    const url = await open(links)
    const began = performance.now()
    const request = json(responseRequest('Save sales.csv.', { stream: true }))
    const answer = await fetch(`${url}/openai/v1/responses`, request)
    expect(answer.status).toBe(200)
    const decoder = new TextDecoder()
    let text = ''
    const reading = (async () => {
      for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
        text += decoder.decode(chunk, { stream: true })
      }
    })()
    await expect(reading).rejects.toThrow()
    expect(performance.now() - began).toBeGreaterThan(limit)
    expect(text).toContain('response.created')
    expect(text).not.toContain('response.completed')
  },
)

it('throws in the official SDK, which would otherwise wait forever', async () => {
  const client = new OpenAI({
    baseURL: `${await open('annotate')}/openai/v1`,
    apiKey: 'any',
    maxRetries: 0,
  })
  const tools: OpenAI.Responses.Tool[] = [{ type: 'code_interpreter', container: { type: 'auto' } }]
  const stream = client.responses.stream({ model: 'gpt-4.1', input: 'Save sales.csv.', tools })
  await expect(stream.finalResponse()).rejects.toThrow()
})

/**
 * The Vercel AI SDK before a gateway and an emulator, over real HTTP.
 */

import { createAzure } from '@ai-sdk/azure'
import { APICallError, generateText, type ModelMessage, streamText, type ToolSet } from 'ai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { captureFetch } from '../../src/capture-fetch.ts'
import type { Citation } from '../../src/core/citations.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { json } from '../harness.ts'
import { type ServedPair, servePair } from '../served.ts'

const prompt = 'Draw a chart and save the numbers as a CSV.'

let pair: ServedPair
beforeAll(async () => {
  pair = await servePair()
})
afterAll(() => pair.close())

function open(baseURL = `${pair.gateway}/openai`, fetch?: typeof globalThis.fetch) {
  const azure = createAzure({ baseURL, apiKey: 'of-the-caller', fetch })
  return {
    model: azure.responses('gpt-5-mini'),
    // The SDK's own types part ways under exactOptionalPropertyTypes.
    tools: { code_interpreter: azure.tools.codeInterpreter({}) } as unknown as ToolSet,
  }
}

/** The ids of the files that an SDK's sources or messages tell of. */
function fileIds(told: unknown): string[] {
  return [...new Set(JSON.stringify(told).match(/cfile_[0-9a-f]{32}/g) ?? [])]
}

describe('the Vercel AI SDK', () => {
  it('generates, and every file that it is told of is there by id', async () => {
    const { text, sources } = await generateText({ ...open(), prompt })
    expect(text).toContain('sales.csv')
    const ids = fileIds(sources)
    expect(ids.length).toBeGreaterThan(1)
    for (const id of ids) expect((await fetch(`${pair.gateway}/files/${id}`)).status).toBe(200)
  })

  it('streams to the same text', async () => {
    const { textStream, sources, text } = streamText({ ...open(), prompt })
    let streamed = ''
    for await (const piece of textStream) streamed += piece
    expect(streamed).toBe(await text)
    const ids = fileIds(await sources)
    expect(ids.length).toBeGreaterThan(1)
    for (const id of ids) expect((await fetch(`${pair.gateway}/files/${id}`)).status).toBe(200)
  })

  it('goes on with what was said', async () => {
    const messages: ModelMessage[] = [{ role: 'user', content: prompt }]
    const first = await generateText({ ...open(), messages })
    messages.push(...first.response.messages, { role: 'user', content: 'Save it as a PDF.' })
    const second = await generateText({ ...open(), messages })
    expect(second.text).toContain('.pdf')
  })

  it('raises its error with the upstream’s status and message', async () => {
    await fetch(`${pair.emulator}/emulator/faults`, json({ kind: 'throttled' }))
    const error = await generateText({ ...open(), prompt, maxRetries: 0 }).catch(
      (raised: unknown) => raised,
    )
    expect(APICallError.isInstance(error)).toBe(true)
    expect(error).toMatchObject({ statusCode: 429 })
    expect(String(error)).toContain('rate limit')
  })

  it('has its files recorded by captureFetch, with no gateway between', async () => {
    const files: Citation[] = []
    const store = memoryStore({ now: () => 0 })
    const captured = captureFetch(fetch, { store, onFiles: (found) => files.push(...found) })
    for (const run of [generateText, streamText]) {
      files.length = 0
      const { sources } = await run({ ...open(`${pair.emulator}/openai/v1`, captured), prompt })
      const ids = fileIds(await sources)
      expect(ids.length).toBeGreaterThan(1)
      expect(files.map(({ file_id }) => file_id).sort()).toEqual(ids.sort())
      for (const id of ids) expect(await store.list(`file/${id}/`)).toHaveLength(1)
    }
  })
})

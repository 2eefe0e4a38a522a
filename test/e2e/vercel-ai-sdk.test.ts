/**
 * The Vercel AI SDK with a gateway and an emulator, over real HTTP.
 */

import { createAzure } from '@ai-sdk/azure'
import { APICallError, generateText, type ModelMessage, streamText, type ToolSet } from 'ai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Citation } from '../../src/core/api/citations/citations.ts'
import { captureFetch } from '../../src/library/capture-fetch.ts'
import { type Running, serve } from '../../src/node.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { json } from '../lib/harness.ts'
import { type ServedPair, servePair } from '../lib/served.ts'

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
  it('generates an answer, and every file in it can be downloaded by id', async () => {
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

  describe('with rewritten links', () => {
    let rewriting: Running
    beforeAll(async () => {
      const settings = { PORT: '0', LOG_LEVEL: 'silent', CFILE_STORE: 'memory:' }
      rewriting = await serve({ ...settings, CFILE_LINKS: 'rewrite' })
    })
    afterAll(() => rewriting.close())

    it.each([
      `${prompt} And save "Übersicht (1).csv".`,
      'Save "a.csv", "a.csv.txt", "out/a.csv" and "100%.csv". [twice]',
      'Draw two charts and save "📈.csv". [image link] [code points]',
      'Write 5 csv files. [no annotations]',
      'Save sales.csv. [wrong spans]',
      'Save sales.csv. [refusal]',
    ])('reads the stream of %j to its end, and is given links that work', async (asked) => {
      const failures: unknown[] = []
      const { textStream, text, sources, finishReason } = streamText({
        ...open(`${rewriting.url}/openai`),
        prompt: asked,
        onError: ({ error }) => failures.push(error),
      })
      let streamed = ''
      for await (const piece of textStream) streamed += piece
      expect(failures).toEqual([])
      expect(await finishReason).toBe('stop')
      expect(streamed).toBe(await text)
      expect(streamed).not.toContain('sandbox:')
      const links = [...streamed.matchAll(/\]\((http[^)]+)\)/g)].map(([, link = '']) => link)
      expect(links.length).toBeGreaterThan(0)
      const urls = fileIds(await sources).map((id) => `${rewriting.url}/files/${id}`)
      // A picture that the text does not link has a citation all the same.
      if (!asked.includes('[no annotations]')) {
        expect(urls.length).toBeGreaterThanOrEqual(new Set(links).size)
      }
      for (const link of [...links, ...urls]) {
        const answer = await fetch(link)
        expect(answer.status, link).toBe(200)
        expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(0)
      }
    })

    it('gets the same text from one JSON answer', async () => {
      const whole = await generateText({ ...open(`${rewriting.url}/openai`), prompt })
      const [, link = ''] = /\]\((http[^)]+)\)/.exec(whole.text) ?? []
      expect((await fetch(link)).status).toBe(200)
      expect(whole.text).not.toContain('sandbox:')
    })
  })

  it('has its files recorded from its results without a gateway', async () => {
    const model = open(`${pair.emulator}/openai/v1`)
    const { steps, sources, content, response } = await generateText({ ...model, prompt })
    const ids = fileIds(sources).sort()
    expect(ids.length).toBeGreaterThan(1)
    for (const body of [{ steps }, { sources }, { content }, { messages: response.messages }]) {
      const answer = await fetch(`${pair.gateway}/captures`, json(body))
      const { files } = (await answer.json()) as { files: { file_id: string }[] }
      expect(files.map(({ file_id }) => file_id).sort(), Object.keys(body)[0]).toEqual(ids)
    }
  })

  it('continues the conversation', async () => {
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

  it('has its files recorded by captureFetch without a gateway', async () => {
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

/**
 * The official SDK over real HTTP with rewritten streams. It builds the answer from the events and throws when they do not
 * fit.
 */

import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Running, serve } from '../../src/node.ts'

const tools: OpenAI.Responses.Tool[] = [{ type: 'code_interpreter', container: { type: 'auto' } }]

describe.each(['rewrite', 'annotate', 'off'])('the official SDK, with CFILE_LINKS=%s', (links) => {
  let server: Running
  let client: OpenAI
  beforeAll(async () => {
    server = await serve({
      PORT: '0',
      LOG_LEVEL: 'silent',
      CFILE_STORE: 'memory:',
      CFILE_LINKS: links,
    })
    client = new OpenAI({ apiKey: 'any', baseURL: `${server.url}/openai/v1`, maxRetries: 0 })
  })
  afterAll(() => server.close())

  it.each([
    'Draw a chart and save the numbers as a CSV.',
    'Save "a.csv", "a.csv.txt", "out/a.csv" and "100%.csv". [twice]',
    'Draw two charts and save "a (b) c.csv". [image link] [wrong spans]',
    'Save sales.csv. [refusal]',
    'Save sales.csv. [fail]',
    'Save "two words.csv" and "Übersicht (1).csv". [code points]',
    'Draw a chart. [image link]',
    'Write 5 csv files. [no annotations]',
    'Save sales.csv. [incomplete]',
    'No file at all, please.',
  ])('reads the stream of %j to its end, and each link at once', async (input) => {
    // A reasoning model.
    const stream = client.responses.stream({ model: 'gpt-5-mini', input, tools })
    let joined = ''
    const statuses: Promise<number>[] = []
    stream.on('response.output_text.delta', ({ delta, snapshot }) => {
      joined += delta
      expect(snapshot.endsWith(delta)).toBe(true)
    })
    stream.on('event', (event) => {
      if (event.type !== 'response.output_text.annotation.added') return
      const { download_url: url } = event.annotation as { download_url?: string }
      // Records are written before the events are released, so a request at the same moment gets the file.
      if (url !== undefined) statuses.push(fetch(url).then(drained))
    })
    const final = await stream.finalResponse()
    expect(joined).toBe(final.output_text)
    const parts = final.output.flatMap((item) => (item.type === 'message' ? item.content : []))
    for (const part of parts) {
      if (part.type === 'refusal') expect(part.refusal).toContain('(sandbox:/mnt/data/sales.csv)')
      else expect(part.text).toBe(joined)
    }
    const urls = [...joined.matchAll(/\]\((http[^)]+)\)/g)].map(([, url = '']) => url)
    expect(joined.includes('sandbox:')).toBe(links !== 'rewrite' && /\]\(/.test(joined))
    for (const url of urls) statuses.push(fetch(url).then(drained))
    for (const status of await Promise.all(statuses)) expect(status).toBe(200)
  })
})

async function drained(response: Response): Promise<number> {
  await response.arrayBuffer()
  return response.status
}

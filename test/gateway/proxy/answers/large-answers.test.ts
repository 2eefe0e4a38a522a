import { describe, expect, it } from 'vitest'
import { apiKey } from '../../../../src/azure/credentials.ts'
import { json, openHarness } from '../../../lib/harness.ts'

const containerId = `cntr_${'0'.repeat(48)}`
const fileId = `cfile_${'0'.repeat(32)}`
const annotation = `{"type":"container_file_citation","container_id":"${containerId}","file_id":"${fileId}","filename":"a.csv","start_index":0,"end_index":0}`
const output = `[{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"[a](sandbox:/mnt/data/a.csv)","annotations":[${annotation}]}]}]`
// The most that a caller can have echoed.
const tools = `[${'{"a":1.50},'.repeat(60_000)}{}]`
const response = `{"object":"response","id":"resp_1","tools":${tools},"output":${output},"metadata":{}}`
const event = (number: number) =>
  `event: response.completed\ndata: {"type":"response.completed","sequence_number":${number},"response":${response}}\n\n`

function ask(body: string, type: string, links: 'annotate' | 'rewrite', query = '') {
  const harness = openHarness({
    links,
    upstreams: [
      {
        endpoint: 'http://upstream.localhost',
        credential: apiKey('k'),
        fetch: async () => new Response(body, { headers: { 'content-type': type } }),
      },
    ],
  })
  const init = query === '' ? json({ model: 'm', input: 'hi' }) : {}
  const path = query === '' ? '/openai/v1/responses' : `/openai/v1/responses/resp_1${query}`
  return { harness, answer: harness.ask(path, init) }
}

/** The answer as it would be if no text had been cut out. */
function withoutLinks(text: string): string {
  return text
    .replace(/,"download_url":"[^"]*","download_expires_at":\d+/g, '')
    .replace(/http[^)"]*\/s\/[^)"]*/g, 'sandbox:/mnt/data/a.csv')
    .replace(/"(start|end)_index":\d+/g, '"$1_index":0')
}

describe.each(['annotate', 'rewrite'] as const)(
  'an answer that repeats a large request, %s',
  (links) => {
    it('gets its links and keeps all other bytes', async () => {
      const { harness, answer } = ask(response, 'application/json', links)
      const text = await (await answer).text()
      expect(text).toContain('"download_url"')
      expect(withoutLinks(text)).toBe(response)
      expect((await harness.ask(`/containers/${containerId}/files/${fileId}`)).status).not.toBe(404)
    })

    it('gets its links in a stream too, once and complete', async () => {
      const body = `${event(1)}data: [DONE]\n\n`
      const text = await (await ask(body, 'text/event-stream', links).answer).text()
      expect(text).toContain('"download_url"')
      expect(withoutLinks(text)).toBe(body)
    })

    it('gets its links in a resumed stream', async () => {
      const body = `${event(1)}${event(2)}`
      const query = '?stream=true&starting_after=1'
      const text = await (await ask(body, 'text/event-stream', links, query).answer).text()
      expect(withoutLinks(text)).toBe(links === 'rewrite' ? event(2) : body)
    })
  },
)

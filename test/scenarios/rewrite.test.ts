import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apiKey } from '../../src/azure/credentials.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { inChunks, type Lengths, recutDeltas } from '../fixtures/recut.ts'
import { openCallers } from '../lib/callers.ts'
import {
  errorCode,
  type Harness,
  json,
  openHarness,
  responseRequest,
  sha256,
} from '../lib/harness.ts'
import { rounds } from '../lib/rounds.ts'

interface Row {
  readonly id: string
  readonly path: string
}

const linkInText = /\]\((https?:\/\/[^)]+)\)/g

async function rowsOf(gateway: Harness, containerId: string): Promise<Row[]> {
  const list = await gateway.upstream(`/containers/${containerId}/files?limit=100`)
  return ((await list.json()) as { data: Row[] }).data
}

function follow({ ask }: Pick<Harness, 'ask'>, link: string, init?: RequestInit) {
  const { pathname, search } = new URL(link)
  return ask(pathname + search, init)
}

function textOf(body: string): string {
  const { output } = JSON.parse(body) as {
    output: { type: string; content: { text: string }[] }[]
  }
  return output.flatMap(({ type, content }) => (type === 'message' ? content : []))[0]?.text ?? ''
}

function joinDeltas(stream: string): string {
  return [...stream.matchAll(/^data: (.*)$/gm)]
    .map(([, data = '']) => JSON.parse(data) as { type: string; delta: string })
    .filter(({ type }) => type === 'response.output_text.delta')
    .map(({ delta }) => delta)
    .join('')
}

/** Creates an answer as a stream, and the same answer as JSON. */
async function answerBothWays(gateway: Harness, prompt: string) {
  const request = responseRequest(prompt, { stream: true })
  const stream = await (await gateway.ask('/openai/v1/responses', json(request))).text()
  const id = /resp_\w+/.exec(stream)?.[0]
  const body = await (await gateway.ask(`/openai/v1/responses/${id}`)).text()
  const containerId = /cntr_\w+/.exec(stream)?.[0] ?? ''
  return { stream, body, containerId }
}

const stem = fc.stringMatching(/^[\w%&=+,;~éß📈-][\w %&=+,;~éß📈#?.-]{0,9}[\w%éß📈-]$/u)
const names = fc.uniqueArray(
  fc
    .tuple(stem, fc.constantFrom('csv', 'png', 'txt', 'json'))
    .map(([name, end]) => `${name}.${end}`),
  { minLength: 1, maxLength: 4, selector: (name) => name.toLowerCase() },
)
const directive = fc.constantFrom(
  '',
  '[no annotations]',
  '[wrong spans]',
  '[code points]',
  '[image link]',
  '[twice]',
  '[refusal]',
)

const lengths = (max: number) =>
  fc.array(fc.integer({ min: 1, max }), { minLength: 1, maxLength: 12 })

/** A gateway whose upstream streams its texts in deltas and its bytes in chunks of these lengths. */
function openRecut(deltas: Lengths, chunks: Lengths): Harness {
  const emulator = createEmulator({ now: () => 1_790_000_000 })
  const fetch = async (input: RequestInfo | URL, init?: RequestInit) => {
    const answer = await emulator.fetch(new Request(input, init))
    if (!answer.headers.get('content-type')?.startsWith('text/event-stream')) return answer
    return new Response(inChunks(recutDeltas(await answer.text(), deltas), chunks), answer)
  }
  const upstream = {
    endpoint: 'http://emulator.localhost',
    credential: apiKey('a-secret-key'),
    fetch,
  }
  const gateway = openHarness({ links: 'rewrite', upstreams: [upstream] })
  return { ...gateway, upstream: async (path, init) => emulator.request(`/openai/v1${path}`, init) }
}

/** All complete copies of the text in a stream. */
function copiesIn(stream: string): string[] {
  return [...stream.matchAll(/^data: (.*)$/gm)].flatMap(([, data = '']) => {
    const { type, text, part, item, response } = JSON.parse(data)
    if (type === 'response.output_text.done') return [text]
    if (type === 'response.content_part.done' && part.type === 'output_text') return [part.text]
    if (type === 'response.output_item.done')
      return item.type === 'message' ? [item.content[0].text] : []
    return type === 'response.completed' ? [textOf(JSON.stringify(response))] : []
  })
}

describe('a rewritten answer', () => {
  it('has links that serve exactly the file that the text names, equal in stream and JSON, with any chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        names,
        directive,
        lengths(12),
        lengths(700),
        async (names, more, deltas, chunks) => {
          const gateway = openRecut(deltas, chunks)
          const quoted = names.map((name) => `"${name}"`).join(' and ')
          const { stream, body, containerId } = await answerBothWays(
            gateway,
            `Save ${quoted} ${more}`,
          )
          const text = textOf(body)
          expect(joinDeltas(stream)).toBe(text)
          expect(copiesIn(stream)).toEqual([text, text, text, text])
          expect(text).not.toContain('sandbox:')
          const links = [...text.matchAll(linkInText)].map(([, link = '']) => link)
          const rows = await rowsOf(gateway, containerId)
          const linked = more === '[twice]' ? [...names, ...names] : names
          expect(links).toHaveLength(linked.length)
          for (const [index, link] of links.entries()) {
            const row = rows.find(({ path }) => path === `/mnt/data/${linked[index]}`)
            const download = await follow(gateway, link)
            expect(download.status, linked[index]).toBe(200)
            const content = `/containers/${containerId}/files/${row?.id}/content`
            const original = await (await gateway.upstream(content)).arrayBuffer()
            expect(await sha256(await download.arrayBuffer())).toBe(await sha256(original))
          }
        },
      ),
      { seed: 1, numRuns: rounds(15, 5000) },
    )
  })

  it('has a link that serves the file of a later turn with the same name', async () => {
    const gateway = openHarness({ links: 'rewrite' })
    const { body, containerId } = await answerBothWays(gateway, 'Save sales.csv.')
    const [[, link = ''] = []] = [...textOf(body).matchAll(linkInText)]
    const first = await (await follow(gateway, link)).text()
    const tools = [{ type: 'code_interpreter', container: containerId }]
    const again = responseRequest('Save quite other numbers as sales.csv.', { tools })
    await (await gateway.ask('/openai/v1/responses', json(again))).text()
    expect(await (await follow(gateway, link)).text()).not.toBe(first)
  })

  it('gives every reader identical links until they expire', async () => {
    const gateway = openCallers({ links: 'rewrite' })
    const ann = gateway.as('ann')
    const answer = await ann.ask('/openai/v1/responses', json(responseRequest('Save sales.csv.')))
    const [[, link = ''] = []] = [...textOf(await answer.text()).matchAll(linkInText)]
    expect(new URL(link).href).toBe(link)
    expect((await follow(gateway, link)).status).toBe(200)
    expect((await follow(gateway, link, { method: 'HEAD' })).status).toBe(200)
    expect((await follow(gateway, link, { headers: { range: 'bytes=0-3' } })).status).toBe(206)
    const changed = await follow(gateway, link.replace('/s/A', '/s/B'))
    expect([changed.status, await errorCode(changed)]).toEqual([403, 'signature_invalid'])
    gateway.advance(3601)
    const late = await follow(gateway, link)
    expect([late.status, await errorCode(late)]).toEqual([403, 'link_expired'])
  })

  it('has links that show each holder what the owner of the link may see', async () => {
    const gateway = openCallers({ links: 'rewrite' })
    const request = json(responseRequest('Save sales.csv.'))
    const answer = await gateway.as('ann').ask('/openai/v1/responses', request)
    const body = await answer.text()
    const [[, link = ''] = []] = [...textOf(body).matchAll(linkInText)]
    const container = /cntr_\w+/.exec(body)?.[0] ?? ''
    await gateway.give('bob', 'container', container)
    expect((await follow(gateway, link)).status).toBe(200)
    expect((await follow(gateway.as('bob'), link)).status).toBe(200)
    const refused = await gateway.as('bob').ask(`/containers/${container}/path/sales.csv`)
    expect([refused.status, await errorCode(refused)]).toEqual([404, 'file_not_found'])
  })
})

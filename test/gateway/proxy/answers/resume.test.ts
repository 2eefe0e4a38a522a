import { describe, expect, it } from 'vitest'
import { apiKey } from '../../../../src/azure/credentials.ts'
import { createEmulator } from '../../../../src/emulator/emulator.ts'
import { openCallers } from '../../../lib/callers.ts'
import {
  errorCode,
  grantIn,
  type Harness,
  json,
  openHarness,
  responseRequest,
  sha256,
} from '../../../lib/harness.ts'

interface Part {
  readonly text: string
  readonly annotations: { start_index: number; end_index: number; filename: string }[]
}
interface Event {
  readonly type: string
  readonly sequence_number: number
  readonly delta: string
  readonly text: string
  readonly part: Part
  readonly item: { type: string; content: Part[] }
  readonly response: { id: string; output: { content?: Part[] }[] }
}

function readEvents(stream: string): Event[] {
  return [...stream.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data))
}

type Asking = Pick<Harness, 'ask'>

async function begin({ ask }: Asking, prompt: string): Promise<Event[]> {
  const request = responseRequest(prompt, { stream: true, background: true })
  return readEvents(await (await ask('/openai/v1/responses', json(request))).text())
}

async function resume({ ask }: Asking, [first]: readonly Event[], after: number): Promise<Event[]> {
  const path = `/openai/v1/responses/${first?.response.id}?stream=true&starting_after=${after}`
  return readEvents(await (await ask(path)).text())
}

function joinDeltas(events: readonly Event[]): string {
  const deltas = events.filter(({ type }) => type === 'response.output_text.delta')
  return deltas.map(({ delta }) => delta).join('')
}

/** The complete copies of the text among the events. */
function copiesOf(events: readonly Event[]): Part[] {
  return events.flatMap(({ type, text, part, item, response }) => {
    if (type === 'response.output_text.done') return [{ text, annotations: [] }]
    if (type === 'response.content_part.done') return [part]
    if (type === 'response.output_item.done' && item.type === 'message') return item.content
    return type === 'response.completed'
      ? response.output.flatMap(({ content = [] }) => content)
      : []
  })
}

const linkInText = /\]\((https?:\/\/[^)]+)\)/g
const linksIn = (text: string) => [...text.matchAll(linkInText)].map(([, link = '']) => link)

const prompts = [
  'Draw a chart and save "two words.csv".',
  'Save "📈 (1).csv" and "📈.csv". [code points]',
  'Save sales.csv. [no annotations]',
  'Save a.csv and b.csv. [wrong spans]',
]

describe('a resumed rewritten stream', () => {
  it.each(prompts)(
    'continues where it broke off, also inside a link, and all copies of the text equal the deltas: %s',
    async (prompt) => {
      const gateway = openHarness({ links: 'rewrite' })
      const before = await begin(gateway, prompt)
      const text = joinDeltas(before)
      expect(linksIn(text).length).toBeGreaterThan(0)
      // Long enough that a new link would differ.
      gateway.advance(600)
      const textAt = before.findIndex(({ type }) => type === 'response.content_part.added')
      for (const [at, { sequence_number }] of before.entries()) {
        // All places before the text are equivalent.
        if (at < textAt && at % 20 > 0) continue
        const rest = await resume(gateway, before, sequence_number)
        expect(rest.map((event) => event.sequence_number)).toEqual(
          before.slice(at + 1).map((event) => event.sequence_number),
        )
        expect(joinDeltas([...before.slice(0, at + 1), ...rest])).toBe(text)
        const copies = copiesOf(rest)
        expect(copies).toEqual(
          copiesOf(before.slice(at + 1)).map((part) => ({
            ...part,
            annotations: part.annotations.map((one) => expect.objectContaining(spanOf(one))),
          })),
        )
        for (const copy of copies) expect(copy.text).toBe(text)
      }
    },
  )

  it('serves the file at each link when the code ran before the break', async () => {
    const gateway = openHarness({ links: 'rewrite' })
    const before = await begin(gateway, 'Draw a chart and save the numbers as a CSV.')
    const ran = before.find(({ type }) => type === 'response.content_part.added')
    const rest = await resume(gateway, before, ran?.sequence_number ?? 0)
    expect(JSON.stringify(rest)).not.toContain('sandbox:')
    const hashes = (files: readonly string[]) =>
      Promise.all(
        files.map(async (link) => {
          const { pathname, search } = new URL(link)
          const file = await gateway.ask(pathname + search)
          expect(file.status).toBe(200)
          return sha256(await file.arrayBuffer())
        }),
      )
    const byPath = await hashes(linksIn(joinDeltas(rest)))
    const cited = rest.flatMap(({ response }) => response?.output.flatMap((item) => item.content))
    const urls = cited.flatMap((part) => part?.annotations ?? []) as unknown as {
      download_url: string
      start_index: number
    }[]
    const named = urls.filter(({ start_index }) => start_index > 0)
    expect(byPath).toEqual(await hashes(named.map(({ download_url }) => download_url)))
  })

  it('has links with a new lifetime after half of the first, equal in everything that is still sent', async () => {
    const gateway = openHarness({ links: 'rewrite' })
    const before = await begin(gateway, 'Save sales.csv.')
    const text = joinDeltas(before)
    gateway.advance(1801)
    const at = before.findIndex(({ delta }) => delta?.includes('http'))
    const rest = await resume(gateway, before, at)
    const [first, ...others] = copiesOf(rest).map((part) => part.text)
    expect(others).toEqual([first, first, first])
    const [old = ''] = linksIn(text)
    const [link = ''] = linksIn(first ?? '')
    const life = (url: string) => grantIn(url).expiresAt
    expect(life(link) - life(old)).toBe(1801)
    expect(first).toBe(text.replace(old, link))
  })

  it('is empty when the client has all events, and complete without a position', async () => {
    const gateway = openHarness({ links: 'rewrite' })
    const before = await begin(gateway, 'Save sales.csv.')
    expect(await resume(gateway, before, before.length - 1)).toEqual([])
    expect(await resume(gateway, before, 999)).toEqual([])
    const path = `/openai/v1/responses/${before[0]?.response.id}`
    const all = readEvents(await (await gateway.ask(`${path}?stream=true`)).text())
    expect(all.map(({ type }) => type)).toEqual(before.map(({ type }) => type))
    const answer = (await (await gateway.ask(path)).json()) as Event['response']
    expect(
      copiesOf([{ ...all[0], type: 'response.completed', response: answer } as Event]),
    ).toEqual(copiesOf(before).slice(-1))
  })

  it('is the same from another instance with the same store, and different for another owner', async () => {
    const gateway = openCallers({ links: 'rewrite' })
    const before = await begin(gateway.as('ann'), 'Save sales.csv.')
    gateway.advance(60)
    const rest = await resume(gateway.as('ann'), before, 40)
    expect(copiesOf(rest).at(-1)?.text).toBe(joinDeltas(before))
    const path = `/openai/v1/responses/${before[0]?.response.id}?stream=true&starting_after=40`
    const refused = await gateway.as('bob').ask(path)
    expect([refused.status, await errorCode(refused)]).toEqual([404, 'not_found'])
  })

  it.each(['off', 'annotate'] as const)(
    'sends the client’s own query with CFILE_LINKS=%s, since no event depends on earlier ones',
    async (links) => {
      const asked: string[] = []
      const emulator = createEmulator({ now: () => 1_790_000_000 })
      const fetch = async (input: RequestInfo | URL, init?: RequestInit) => {
        asked.push(String(input))
        return emulator.fetch(new Request(input, init))
      }
      const upstream = { endpoint: 'http://emulator.localhost', credential: apiKey('any'), fetch }
      const gateway = openHarness({ links, upstreams: [upstream] })
      const before = await begin(gateway, 'Save sales.csv.')
      const rest = await resume(gateway, before, 40)
      expect(rest[0]?.sequence_number).toBe(41)
      expect(asked.at(-1)).toContain('?stream=true&starting_after=40')
    },
  )
})

function spanOf({ start_index, end_index, filename }: Part['annotations'][number]) {
  return { start_index, end_index, filename }
}

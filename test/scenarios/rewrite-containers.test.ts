import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { connectWithin } from '../../src/core/http/websocket.ts'
import { answerUpstream, contentOf, type NextAnswer } from '../fixtures/answer-upstream.ts'
import {
  type AnswerCase,
  answers,
  coveredBy,
  framings,
  linkedFiles,
  type TextCase,
  toEvents,
  toFrames,
  toResponse,
} from '../fixtures/answers.ts'
import { openCallers } from '../lib/callers.ts'
import { type Harness, json, openHarness } from '../lib/harness.ts'
import { rounds } from '../lib/rounds.ts'

type Asking = Pick<Harness, 'ask'>

interface Part {
  readonly type: string
  readonly text: string
  readonly annotations: { type: string; start_index: number; end_index: number }[]
}
interface Body {
  readonly output: readonly { type: string; content?: readonly Part[] }[]
}

const request = (more: object = {}) => json({ model: 'gpt-4.1', input: 'x', ...more })

async function ask({ ask }: Asking, more: object = {}): Promise<Body> {
  const answer = await ask('/openai/v1/responses', request(more))
  return (await answer.json()) as Body
}

interface SentEvent {
  readonly type: string
  readonly output_index: number
  readonly content_index: number
  readonly delta: string
  readonly response: Body
}

async function askForStream({ ask }: Asking, more: object = {}): Promise<SentEvent[]> {
  const answer = await ask('/openai/v1/responses', request({ stream: true, ...more }))
  const lines = (await answer.text()).split(/\r\n\r\n|\n\n|\r\r/)
  return lines
    .filter((frame) => frame.includes('data:'))
    .map((frame) => JSON.parse(frame.replace(/^(?!data: ).*$/gm, '').replace(/^data: /gm, '')))
}

/** The events of an answer over WebSocket. */
async function askOverSocket({ app }: Pick<Harness, 'app'>): Promise<SentEvent[]> {
  const url = new URL('http://127.0.0.1:8787/openai/v1/responses')
  const socket = await connectWithin(app)(url, { headers: {} })
  await socket.send(JSON.stringify({ type: 'response.create', model: 'gpt-4.1', input: 'x' }))
  const events: SentEvent[] = []
  while (events.at(-1)?.type !== 'response.completed') {
    events.push(JSON.parse(String(await socket.next())))
  }
  socket.close({ code: 1000, reason: '' })
  return events
}

function partsOf({ output }: Body): Part[] {
  return output.flatMap(({ content = [] }) => content.filter(({ type }) => type === 'output_text'))
}

function textOf(body: Body): string {
  return partsOf(body)[0]?.text ?? ''
}

/** The links in a text whose other parts are known. */
function linksIn(text: string, { parts }: TextCase): string[] {
  const literal = (part: string) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  const pattern = parts.map((part) => (typeof part === 'string' ? literal(part) : '(\\S+?)'))
  const found = new RegExp(`^${pattern.join('')}$`).exec(text)
  if (found === null) throw new Error(`${JSON.stringify(text)} does not match`)
  return found.slice(1)
}

async function follow({ ask }: Asking, link: string): Promise<string> {
  const { pathname, search } = new URL(link)
  return (await ask(pathname + search)).text()
}

const call = (container_id: string, agent?: string) => ({
  type: 'code_interpreter_call',
  id: 'ci_1',
  container_id,
  ...(agent && { agent: { agent_name: agent } }),
})

const say = (text: string, annotations: readonly object[] = []) => ({
  type: 'message',
  id: 'msg_1',
  role: 'assistant',
  content: [{ type: 'output_text', text, annotations }],
})

const link = '[a](sandbox:/mnt/data/a.csv)'

const lengths = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 12 })
const chunks = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 12 })

/** A gateway whose upstream gives this answer after one whose code ran in the container of the previous turn. */
async function openAnswer(answer: AnswerCase, next: NextAnswer): Promise<Harness> {
  const output = answer.recorded === undefined ? [] : [call(answer.recorded)]
  const before = { response: { id: 'resp_0', object: 'response', output } }
  const answers = [before, next, next, next]
  const gateway = openHarness({
    links: 'rewrite',
    ...answerUpstream(() => answers.shift() ?? next, linkedFiles),
  })
  await ask(gateway)
  return gateway
}

describe('a rewritten answer of several agents and tools', () => {
  it('has the same text and spans as JSON, as a stream and over WebSocket, and each link serves the right file', async () => {
    await fc.assert(
      fc.asyncProperty(
        answers,
        lengths,
        chunks,
        framings,
        async (answer, deltas, sizes, framing) => {
          const response = toResponse(answer) as NextAnswer['response']
          const sent = toEvents(answer, deltas)
          const stream = toFrames(sent, framing).join('')
          const next = { response, events: sent, stream, chunks: sizes }
          const gateway = await openAnswer(answer, next)
          const body = await ask(gateway)
          const events = await askForStream(gateway)
          expect(await askOverSocket(gateway)).toEqual(events)
          expect(events.at(-1)?.response).toEqual(body)
          const parts = partsOf(body)
          const cases = answer.items.flatMap((item) => ('parts' in item ? item.parts : []))
          for (const [index, { text, annotations }] of parts.entries()) {
            const wanted = cases[index]
            if (wanted === undefined) throw new Error('one part too many')
            const links = linksIn(text, wanted)
            const files = wanted.parts.filter((part) => typeof part !== 'string')
            for (const [at, file] of files.entries()) {
              const { containerId, path } = file
              expect(await follow(gateway, links[at] ?? '')).toBe(contentOf(containerId, path))
            }
            for (const [at, annotation] of annotations.entries()) {
              const { before, after } = wanted.covered[at] ?? {}
              const now = coveredBy(answer.unit, text, annotation)
              if (annotation.type === 'file_citation') expect(text.startsWith(now)).toBe(true)
              else expect(links.includes(now) || now === before || now === after).toBe(true)
            }
          }
          const joined = new Map<string, string>()
          for (const { type, output_index, content_index, delta } of events) {
            const at = `${output_index} ${content_index}`
            if (type.endsWith('text.delta')) joined.set(at, (joined.get(at) ?? '') + delta)
          }
          expect([...joined.values()]).toEqual(
            parts.map(({ text }) => text).filter((text) => text !== ''),
          )
        },
      ),
      { seed: 1, numRuns: rounds(40) },
    )
  })
})

/** A gateway whose upstream gives these answers one after the other. */
function openTurns(...responses: readonly Partial<NextAnswer['response']>[]): Harness {
  const answers = responses.map((response, turn) => ({
    response: { id: `resp_${turn}`, object: 'response', ...response },
  }))
  const next = () =>
    answers.shift() ?? { response: { id: 'resp_x', object: 'response', output: [] } }
  return openHarness({ links: 'rewrite', ...answerUpstream(next, ['a.csv']) })
}

async function contentAtLink(gateway: Asking, body: Body): Promise<string> {
  const [, url = ''] = /\]\(([^)]*)\)/.exec(textOf(body)) ?? []
  return url.startsWith('sandbox:') ? url : follow(gateway, url)
}

describe('a link in a later turn', () => {
  const first = { output: [call('cntr_a1'), say('Saved.')] }

  it('leads to the container of an earlier turn when the turns between ran no code', async () => {
    const gateway = openTurns(
      first,
      { previous_response_id: 'resp_0', output: [say('Yes.')] },
      { previous_response_id: 'resp_1', output: [say(link)] },
    )
    await ask(gateway)
    await ask(gateway)
    expect(await contentAtLink(gateway, await ask(gateway))).toBe(contentOf('cntr_a1', 'a.csv'))
  })

  it('leads to the container of an earlier turn if only the request names that turn, or if it was a stream', async () => {
    const gateway = openTurns(first, { output: [say(link)] })
    await askForStream(gateway)
    const body = await ask(gateway, { previous_response_id: 'resp_0' })
    expect(await contentAtLink(gateway, body)).toBe(contentOf('cntr_a1', 'a.csv'))
  })

  it('leads to the last container of its conversation', async () => {
    const conversation = { id: 'conv_1' }
    const gateway = openTurns(
      { ...first, conversation },
      { conversation, output: [call('cntr_b2'), say('Saved.')] },
      { conversation, output: [say('Yes.')] },
      { conversation, output: [say(link)] },
    )
    for (let turn = 0; turn < 3; turn += 1) await ask(gateway)
    expect(await contentAtLink(gateway, await ask(gateway))).toBe(contentOf('cntr_b2', 'a.csv'))
  })

  it('stays unchanged when the container is unknown', async () => {
    const gateway = openTurns({ previous_response_id: 'resp_9', output: [say(link)] })
    expect(textOf(await ask(gateway))).toBe(link)
  })

  it('stays unchanged when the previous turn belongs to another owner', async () => {
    const next = { response: { id: 'resp_1', object: 'response', output: [say(link)] } }
    const answers = [{ response: { id: 'resp_0', object: 'response', ...first } }, next]
    const upstream = answerUpstream(() => answers.shift() ?? next, ['a.csv'])
    const gateway = openCallers({ links: 'rewrite', ...upstream })
    await gateway.as('ann').ask('/openai/v1/responses', request())
    const answer = await gateway.as('bob').ask('/openai/v1/responses', request())
    expect(textOf((await answer.json()) as Body)).toBe(link)
  })
})

describe('the container of a link', () => {
  it('is that of the covering citation, before that of the last call', async () => {
    const cited = { container_id: 'cntr_b2', file_id: 'cfile_1', filename: 'a.csv' }
    const span = { start_index: 4, end_index: 27 }
    const annotation = { type: 'container_file_citation', ...cited, ...span }
    const gateway = openTurns({ output: [call('cntr_a1'), say(link, [annotation])] })
    expect(await contentAtLink(gateway, await ask(gateway))).toBe(contentOf('cntr_b2', 'a.csv'))
  })

  it('is never another agent’s, but the one that the tools name', async () => {
    const message = { ...say(link), agent: { agent_name: 'writer' } }
    const tools = [{ type: 'shell', environment: { container_id: 'cntr_b2' } }]
    const gateway = openTurns({ tools, output: [call('cntr_a1', 'coder'), message] })
    expect(await contentAtLink(gateway, await ask(gateway))).toBe(contentOf('cntr_b2', 'a.csv'))
  })
})

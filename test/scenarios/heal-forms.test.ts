/**
 * Every form of a request whose container has expired: conversations, several tools, background, replayed input, sockets.
 */

import { describe, expect, it } from 'vitest'
import { memoryArchive } from '../../src/archives/memory.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { testSha256 } from '../archives/contract.ts'
import { codeInterpreter, type Harness, json, openHarness } from '../lib/harness.ts'
import { askSocket, createMessage, openSocket } from '../lib/sockets.ts'
import { followWork } from '../lib/work.ts'

const hour = 3600
const responses = '/openai/v1/responses'
const tool = (container: string) => ({ type: 'code_interpreter', container })

interface Turn {
  readonly id: string
  readonly output: readonly { readonly type: string; readonly container_id?: string }[]
}

const containerOf = ({ output }: Turn) =>
  output.find(({ container_id }) => container_id)?.container_id ?? ''
const request = (input: string, more: object = {}) =>
  json({ model: 'gpt-4.1', input, tools: codeInterpreter, ...more })

/** A gateway with an archive, and what it needs to wait for copies. */
function openArchived() {
  const { waitUntil, settle } = followWork()
  const now = () => 1_790_000_000
  const gateway = openHarness({
    heal: true,
    store: memoryStore({ now }),
    archive: memoryArchive({ createSha256: testSha256, now }),
    waitUntil,
  })
  const turn = async (input: string, more: object = {}): Promise<Turn> => {
    const answer = await gateway.ask(responses, request(input, more))
    expect(answer.status, await answer.clone().text()).toBe(200)
    await settle()
    return (await answer.json()) as Turn
  }
  return { gateway, settle, turn }
}

/** The requests for answers that reached the upstream since the last call. */
async function sentTurns(gateway: Harness): Promise<{ tools: unknown[] }[]> {
  const seen = (await gateway.requests()) as { path: string; method: string; body?: string }[]
  return seen
    .filter(({ method, path }) => method === 'POST' && path === responses)
    .map(({ body }) => JSON.parse(body ?? ''))
}

const expired = { error: { message: 'Container is expired.', type: 'invalid_request_error' } }

describe('a turn whose container has expired is healed', () => {
  it('by its conversation, with only the container of the tools changed', async () => {
    const { gateway, turn } = openArchived()
    const made = await gateway.ask('/openai/v1/conversations', json({}))
    const { id: conversation } = (await made.json()) as { id: string }
    const first = await turn('Save the numbers as a CSV.', { conversation })
    gateway.advance(hour)
    await gateway.requests()
    const sent = request('[list]', { conversation, metadata: { a: '1' } })
    const answer = await gateway.ask(responses, sent)
    const healed = (await answer.json()) as Turn
    expect(answer.headers.get('x-cfile-healed')).toBe(
      `${containerOf(first)}=${containerOf(healed)}`,
    )
    expect(JSON.stringify(healed)).toContain('sales.csv')
    const bodies = await sentTurns(gateway)
    expect(bodies).toEqual([
      JSON.parse(String(sent.body)),
      { ...JSON.parse(String(sent.body)), tools: [tool(containerOf(healed))] },
    ])
    const later = await gateway.ask(responses, sent)
    expect([later.status, later.headers.get('x-cfile-healed')]).toEqual([200, null])
  })

  it('by a replayed call in its input', async () => {
    const { gateway, turn } = openArchived()
    const first = await turn('Save the numbers as a CSV.')
    gateway.advance(hour)
    const input = [...first.output, { role: 'user', content: '[list]' }]
    const answer = await gateway.ask(
      responses,
      json({ model: 'gpt-4.1', input, tools: codeInterpreter }),
    )
    expect([answer.status, await answer.text()]).toEqual([
      200,
      expect.stringContaining('sales.csv'),
    ])
    expect(answer.headers.get('x-cfile-healed')).toContain(`${containerOf(first)}=`)
  })

  it('in the background, to its end', async () => {
    const { gateway, turn } = openArchived()
    const first = await turn('Save the numbers as a CSV.')
    gateway.advance(hour)
    const queued = await turn('[list]', { previous_response_id: first.id, background: true })
    gateway.advance(20)
    const ended = await (await gateway.ask(`${responses}/${queued.id}`)).text()
    expect(ended).toContain('"completed"')
    expect(ended).toContain('sales.csv')
  })

  it('in a stream, whose events are those of one answer', async () => {
    const { gateway, turn } = openArchived()
    const first = await turn('Save the numbers as a CSV.')
    gateway.advance(hour)
    const sent = request('[list]', { previous_response_id: first.id, stream: true })
    const text = await (await gateway.ask(responses, sent)).text()
    expect(text.match(/^event: response\.(?:created|completed)$/gm)).toHaveLength(2)
    expect(text).not.toContain('expired')
    expect(text).toContain('sales.csv')
  })

  it('over a WebSocket, by conversation and by container', async () => {
    const { gateway, turn, settle } = openArchived()
    const made = await gateway.ask('/openai/v1/conversations', json({}))
    const { id: conversation } = (await made.json()) as { id: string }
    const first = await turn('Save the numbers as a CSV.', { conversation })
    for (const more of [{ conversation }, { tools: [tool(containerOf(first))] }]) {
      gateway.advance(hour)
      const socket = await openSocket(gateway)
      const events = await askSocket(socket, createMessage('[list]', more))
      expect(events.map(({ type }) => type)).not.toContain('error')
      expect(JSON.stringify(events.at(-1))).toContain('sales.csv')
      socket.close({ code: 1000, reason: '' })
      await settle()
    }
  })

  it('where two tools run code in it', async () => {
    const { gateway, turn } = openArchived()
    const id = containerOf(await turn('Save the numbers as a CSV.'))
    gateway.advance(hour)
    await gateway.requests()
    const tools = [tool(id), { type: 'web_search' }, tool(id)]
    const healed = containerOf(await turn('[list]', { tools }))
    const [, again] = await sentTurns(gateway)
    expect(again?.tools).toEqual([tool(healed), { type: 'web_search' }, tool(healed)])
  })

  it('where another tool runs code in a container that lives, which stays', async () => {
    for (const isFirst of [true, false]) {
      const { gateway, turn } = openArchived()
      const gone = containerOf(await turn('Save the numbers as a CSV.'))
      gateway.advance(hour)
      const alive = containerOf(await turn('Save "other.txt".'))
      await gateway.requests()
      await gateway.fault({ match: { path: responses }, status: 400, body: expired, times: 1 })
      const tools = isFirst ? [tool(gone), tool(alive)] : [tool(alive), tool(gone)]
      const answer = await gateway.ask(responses, request('[list]', { tools }))
      expect(answer.status).toBe(200)
      const [old, made = ''] = answer.headers.get('x-cfile-healed')?.split('=') ?? []
      expect(old).toBe(gone)
      const [, again] = await sentTurns(gateway)
      expect(again?.tools).toEqual(isFirst ? [tool(made), tool(alive)] : [tool(alive), tool(made)])
      // Later turns go to the new container from the start.
      const later = await gateway.ask(responses, request('[list]', { tools }))
      expect(later.headers.get('x-cfile-healed')).toBeNull()
      expect((await sentTurns(gateway)).map((body) => body.tools)).toEqual([again?.tools])
    }
  })

  it('in the next turn when the answer about the new container was lost', async () => {
    const { gateway, turn } = openArchived()
    const first = await turn('Save the numbers as a CSV.')
    gateway.advance(hour)
    const made = { method: 'POST', path: '/openai/v1/containers' }
    await gateway.fault({ match: made, status: 502, times: 1 })
    const sent = request('[list]', { previous_response_id: first.id })
    expect((await gateway.ask(responses, sent)).status).toBe(400)
    expect(await (await gateway.ask(responses, sent)).text()).toContain('sales.csv')
  })
})

import { describe, expect, it } from 'vitest'
import { apiKey } from '../../../src/azure/credentials.ts'
import { connectWithin, createSocketPair, type Socket } from '../../../src/core/sockets/socket.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { openCallers } from '../../lib/callers.ts'
import { citedFiles, codeInterpreter, openHarness } from '../../lib/harness.ts'

interface Asker {
  readonly app: Parameters<typeof connectWithin>[0]
}

const open = (
  gateway: Asker,
  headers: Record<string, string> = {},
  path = '/openai/v1/responses',
) => connectWithin(gateway.app)(new URL(`http://127.0.0.1:8787${path}`), { headers })

interface Event {
  readonly type: string
  readonly response?: { readonly id: string; readonly output: unknown[] }
  readonly error?: { readonly code: string; readonly message: string }
  readonly status?: number
}

const last = /^(?:response\.(?:completed|failed|incomplete)|error)$/

/** Sends a message and collects the events of its answer. */
async function ask(socket: Socket, message: object | string): Promise<Event[]> {
  await socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  const events: Event[] = []
  for (;;) {
    const text = await socket.next()
    if (text === undefined) return events
    events.push(JSON.parse(String(text)))
    if (last.test(events.at(-1)?.type ?? '')) return events
  }
}

const create = (input: string, more: object = {}) => ({
  type: 'response.create',
  model: 'gpt-4.1',
  input,
  tools: codeInterpreter,
  ...more,
})
const prompt = 'Draw a chart and save the numbers as a CSV.'

describe('the Responses API over WebSocket', () => {
  it.each(['/openai/v1/responses', '/v1/responses'])(
    '%s records files before the client sees their citation',
    async (path) => {
      const gateway = openHarness({ links: 'rewrite' })
      const socket = await open(gateway, {}, path)
      await socket.send(JSON.stringify(create(prompt)))
      let cited = 0
      for (let isOver = false; !isOver; ) {
        const event = JSON.parse(String(await socket.next()))
        for (const { file_id } of citedFiles(event)) {
          cited += 1
          expect((await gateway.ask(`/files/${file_id}`)).status).toBe(200)
        }
        isOver = last.test(event.type)
      }
      expect(cited).toBeGreaterThan(0)
    },
  )

  it('gives the same text and links as a stream of events', async () => {
    for (const links of ['annotate', 'rewrite'] as const) {
      const gateway = openHarness({ links })
      const events = await ask(await open(gateway), create(prompt))
      const id = events.at(-1)?.response?.id
      const stored = await (await gateway.ask(`/openai/v1/responses/${id}`)).json()
      const plain = (value: unknown) =>
        JSON.stringify(value, (key, field) => (key === 'outputs' ? null : field))
      expect(plain(events.at(-1)?.response?.output)).toEqual(
        plain((stored as { output: unknown }).output),
      )
      const text = events
        .filter(({ type }) => type === 'response.output_text.delta')
        .map((event) => (event as { delta?: string }).delta)
        .join('')
      expect(JSON.stringify(events.at(-1))).toContain(JSON.stringify(text).slice(1, -1))
      expect(text.includes('sandbox:')).toBe(links === 'annotate')
    }
  })

  it('passes messages unchanged when nothing has to be changed', async () => {
    const [own, other] = createSocketPair()
    const odd = '{ "type" : "response.created",\n  "n": 1.0,\n  "s": "\\u00e9" }'
    const direct = openHarness({
      links: 'rewrite',
      upstreams: [
        {
          endpoint: 'http://emulator.localhost',
          credential: apiKey('a-secret-key'),
          connect: async () => own,
        },
      ],
    })
    const socket = await open(direct)
    for (const message of [odd, '{"type":"keepalive"}', odd]) {
      await socket.send(JSON.stringify(create('hi')))
      expect(String(await other.next())).toBe(JSON.stringify(create('hi')))
      await other.send(message)
      expect(await socket.next()).toBe(message)
    }
  })

  it('removes the links that were added to replayed answers', async () => {
    const gateway = openHarness({ links: 'rewrite' })
    const socket = await open(gateway)
    const first = (await ask(socket, create(prompt))).at(-1)?.response
    const input = [...(first?.output ?? []), { role: 'user', content: 'hi' }]
    const events = await ask(socket, { ...create('hi'), input })
    expect(events.at(-1)?.type).toBe('response.completed')
  })

  it('carries several answers one after another', async () => {
    const gateway = openHarness()
    const socket = await open(gateway)
    for (const text of ['hi', prompt, 'hi']) {
      expect((await ask(socket, create(text))).at(-1)?.type).toBe('response.completed')
    }
    const upgrades = (await gateway.requests()).filter(({ method }) => method === 'GET')
    expect(upgrades).toHaveLength(1)
  })

  it('answers a wrong message with an error event and stays open', async () => {
    const gateway = openHarness()
    const socket = await open(gateway)
    const wrong: [string, number][] = [
      [
        '{"type":"response.create","input":"hi","model":"gpt-4.1","previous_response_id":"resp_none"}',
        400,
      ],
    ]
    for (const [message, status] of wrong) {
      const [event] = await ask(socket, message)
      expect([event?.type, event?.status]).toEqual(['error', status])
    }
    expect((await ask(socket, create('hi'))).at(-1)?.type).toBe('response.completed')
  })

  it('requires the key at the upgrade', async () => {
    const gateway = openCallers()
    await expect(open(gateway)).rejects.toMatchObject({ status: 401 })
  })

  it('refuses messages that name things of another owner', async () => {
    const gateway = openCallers()
    const ann = await gateway.as('ann').answer(prompt)
    const bob = await open(gateway, { authorization: `Bearer ${gateway.keyOf('bob')}` })
    const theirs: object[] = [
      { previous_response_id: ann.id },
      { tools: [{ type: 'code_interpreter', container: ann.file.container_id }] },
      {
        tools: [
          { type: 'code_interpreter', container: { type: 'auto', file_ids: [ann.file.file_id] } },
        ],
      },
    ]
    await gateway.requests()
    for (const more of theirs) {
      const [event] = await ask(bob, create('hi', more))
      expect([event?.type, event?.status]).toEqual(['error', 404])
    }
    expect(await gateway.requests()).toEqual([])
    expect((await ask(bob, create(prompt))).at(-1)?.type).toBe('response.completed')
  })

  it('records nothing of an answer when the store is down with caller auth', async () => {
    const store = memoryStore({ now: () => 0 })
    const gateway = openCallers({
      store: { ...store, put: () => Promise.reject(new Error('down')) },
    })
    const socket = await open(gateway, { authorization: `Bearer ${gateway.keyOf('ann')}` })
    const events = await ask(socket, create(prompt))
    expect(JSON.stringify(events)).not.toContain('cfile_')
  })

  it('refuses a message that belongs to another upstream and stays open', async () => {
    const one = openHarness()
    const two = openHarness()
    const upstreams = [one, two].map(({ emulator }, index) => ({
      name: `u${index}`,
      endpoint: `http://u${index}.localhost`,
      credential: apiKey('a-secret-key'),
      models: [`model-${index}`],
      fetch: async (input: string | URL | Request, init?: RequestInit) =>
        emulator.fetch(new Request(input, init)),
      connect: connectWithin(emulator),
    }))
    const gateway = openHarness({ upstreams })
    const [first] = [await ask(await open(gateway), create('hi', { model: 'model-0' }))]
    const id = first?.at(-1)?.response?.id
    const socket = await open(gateway)
    await ask(socket, create('hi', { model: 'model-1' }))
    const [event] = await ask(socket, create('hi', { model: 'model-0', previous_response_id: id }))
    expect([event?.status, event?.error?.code]).toEqual([400, 'invalid_request'])
    expect((await ask(socket, create('hi', { model: 'model-1' }))).at(-1)?.type).toBe(
      'response.completed',
    )
  })

  it('closes both sides when either closes, with an understandable reason', async () => {
    const ends: Socket[] = []
    const upstream = {
      endpoint: 'http://emulator.localhost',
      credential: apiKey('a-secret-key'),
      connect: async () => {
        const [own, other] = createSocketPair()
        ends.push(other)
        return own
      },
    }
    const gateway = openHarness({ upstreams: [upstream] })
    const client = await open(gateway)
    await client.send(JSON.stringify(create('hi')))
    await expect.poll(() => ends.length).toBe(1)
    await ends[0]?.next()
    client.close({ code: 1000, reason: 'done' })
    expect(await ends[0]?.next()).toBeUndefined()
    const other = await open(gateway)
    await other.send(JSON.stringify(create('hi')))
    await expect.poll(() => ends.length).toBe(2)
    await ends[1]?.next()
    ends[1]?.close({ code: 1006, reason: '' })
    expect(await other.next()).toBeUndefined()
    expect(other.ended).toEqual({ code: 1011, reason: 'The upstream broke the connection.' })
  })

  it('is closed when the upstream stops sending in the middle of an answer', async () => {
    const [own, far] = createSocketPair()
    const gateway = openHarness({
      streamIdleTimeoutMs: 40,
      upstreams: [
        {
          endpoint: 'http://emulator.localhost',
          credential: apiKey('a-secret-key'),
          connect: async () => own,
        },
      ],
    })
    const socket = await open(gateway)
    const events = await ask(socket, create('hi'))
    expect(events).toMatchObject([
      { type: 'error', status: 504, error: { code: 'upstream_timeout' } },
    ])
    expect(await socket.next()).toBeUndefined()
    expect(far.ended).toBeDefined()
  })

  it('says what to do when the upstream cannot be reached', async () => {
    const gateway = openHarness({
      upstreams: [
        {
          endpoint: 'http://emulator.localhost',
          credential: apiKey('a-secret-key'),
          connect: () => Promise.reject(new Error('refused')),
        },
      ],
    })
    const [event] = await ask(await open(gateway), create('hi'))
    expect([event?.status, event?.error?.code]).toEqual([502, 'upstream_error'])
  })
})

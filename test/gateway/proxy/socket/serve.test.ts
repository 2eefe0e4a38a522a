import { describe, expect, it } from 'vitest'
import { apiKey } from '../../../../src/azure/credentials.ts'
import { socketMessages } from '../../../../src/core/api/operations.ts'
import { connectWithin, createSocketPair } from '../../../../src/core/http/websocket.ts'
import { memoryStore } from '../../../../src/stores/memory.ts'
import { openCallers } from '../../../lib/callers.ts'
import { citedFiles, grantIn, openHarness } from '../../../lib/harness.ts'
import {
  askSocket as ask,
  createMessage as create,
  lastOfAnswer as last,
  openSocket as open,
  openScriptedUpstream,
} from '../../../lib/sockets.ts'

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

  it('counts each message against the limit on requests', async () => {
    const gateway = openCallers({ maxRequestsPerMinute: 3 })
    const socket = await open(gateway, { authorization: `Bearer ${gateway.keyOf('ann')}` })
    const types: unknown[] = []
    for (let sent = 0; sent < 3; sent += 1) {
      const last = (await ask(socket, create('hi'))).at(-1)
      types.push(last?.status ?? last?.type)
    }
    expect(types).toEqual(['response.completed', 'response.completed', 429])
    gateway.advance(60)
    expect((await ask(socket, create('hi'))).at(-1)?.type).toBe('response.completed')
  })

  it('is not opened for pages of other origins without caller auth', async () => {
    const own = [undefined, 'http://127.0.0.1:8787', 'https://app.example']
    const foreign = ['https://evil.example', 'null', 'http://127.0.0.1:9999']
    const gateway = openHarness({ corsOrigins: ['https://app.example'] })
    const opened = async (origin?: string) =>
      open(gateway, origin === undefined ? {} : { origin }).then(
        () => 101,
        ({ status }) => status,
      )
    expect(await Promise.all(own.map(opened))).toEqual([101, 101, 101])
    expect(await Promise.all(foreign.map(opened))).toEqual([400, 400, 400])
    const callers = openCallers()
    const headers = { origin: 'https://evil.example', authorization: 'Bearer key-of-ann' }
    expect((await open(callers, headers)).ended).toBeUndefined()
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

  it('refuses messages of unknown types with caller auth, and stays open', async () => {
    const { upstream, ends } = openScriptedUpstream()
    const gateway = openCallers({ upstreams: [upstream] })
    await gateway.give('ann', 'response', 'resp_of_ann')
    for (const owner of ['bob', 'admin'] as const) {
      const socket = await open(gateway, { authorization: `Bearer ${gateway.keyOf(owner)}` })
      for (const message of [
        { type: 'response.resume', id: 'resp_of_ann' },
        { type: 'response.get', response_id: 'resp_of_ann' },
        { type: 'response.cancel', response: 'resp_of_ann' },
        { type: 'RESPONSE.CREATE', input: 'hi' },
        { type: 'response.create ', input: 'hi' },
        { type: ['response.create'], input: 'hi' },
        { type: null, input: 'hi' },
        { input: 'hi' },
      ]) {
        const [event] = await ask(socket, message)
        expect([event?.status, event?.error?.code], JSON.stringify(message)).toEqual([
          400,
          'invalid_request',
        ])
      }
      const count = ends.length
      await socket.send(JSON.stringify(create('hi')))
      await expect.poll(() => ends.length).toBe(count + 1)
      expect(await ends.at(-1)?.next()).toBe(JSON.stringify(create('hi')))
    }
  })

  it('checks the names in messages of all known types', async () => {
    const { upstream, ends } = openScriptedUpstream()
    const gateway = openCallers({ upstreams: [upstream] })
    await gateway.give('ann', 'response', 'resp_of_ann')
    await gateway.give('bob', 'response', 'resp_of_bob')
    const socket = await open(gateway, { authorization: `Bearer ${gateway.keyOf('bob')}` })
    for (const type of socketMessages) {
      const message = (key: string, id: string) => ({ type, [key]: id, input: [] })
      for (const key of ['response_id', 'previous_response_id']) {
        const [event] = await ask(socket, message(key, 'resp_of_ann'))
        expect([event?.status, event?.error?.code]).toEqual([404, 'not_found'])
      }
      expect(ends).toHaveLength(0)
    }
    const own = JSON.stringify({ type: 'response.inject', response_id: 'resp_of_bob', input: [] })
    await socket.send(own)
    await expect.poll(() => ends.length).toBe(1)
    expect(await ends[0]?.next()).toBe(own)
  })

  it('passes messages of any type without caller auth', async () => {
    const { upstream, ends } = openScriptedUpstream()
    const socket = await open(openHarness({ upstreams: [upstream] }))
    const message = JSON.stringify({ type: 'response.new', input: 'hi' })
    await socket.send(message)
    await expect.poll(() => ends.length).toBe(1)
    expect(await ends[0]?.next()).toBe(message)
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

  it('records the files of an answer that the upstream does not store, from its events alone', async () => {
    const gateway = openCallers()
    const ann = { authorization: `Bearer ${gateway.keyOf('ann')}` }
    const socket = await open(gateway, ann)
    const events = await ask(socket, create(prompt, { store: false }))
    const id = events.at(-1)?.response?.id
    expect((await gateway.upstream(`/responses/${id}`)).status).toBe(404)
    const files = citedFiles(events.at(-1))
    expect(files.length).toBeGreaterThan(0)
    const statuses = async (owner: 'ann' | 'bob') =>
      Promise.all(
        files.map(async ({ file_id }) => (await gateway.as(owner).ask(`/files/${file_id}`)).status),
      )
    expect(new Set(await statuses('ann'))).toEqual(new Set([200]))
    expect(new Set(await statuses('bob'))).toEqual(new Set([404]))
  })

  it('sends the next turn of an answer that only the socket of the upstream knows', async () => {
    const { upstream, ends } = openScriptedUpstream()
    const gateway = openCallers({ upstreams: [upstream], links: 'rewrite' })
    const socket = await open(gateway, { authorization: `Bearer ${gateway.keyOf('ann')}` })
    await socket.send(JSON.stringify(create('hi', { store: false })))
    await expect.poll(() => ends.length).toBe(1)
    await ends[0]?.next()
    const item = { type: 'code_interpreter_call', id: 'ci_1', container_id: 'cntr_1', code: '' }
    const response = { id: 'resp_1', object: 'response', store: false, output: [item] }
    for (const type of ['response.created', 'response.completed']) {
      await ends[0]?.send(JSON.stringify({ type, response }))
      await socket.next()
    }
    const turn = create('again', { store: false, previous_response_id: 'resp_1' })
    await socket.send(JSON.stringify(turn))
    expect(await ends[0]?.next()).toBe(JSON.stringify(turn))
    const text = '[table](sandbox:/mnt/data/t.csv)'
    const part = { type: 'output_text', text, annotations: [] }
    const message = { type: 'message', id: 'msg_1', content: [part] }
    const next = { id: 'resp_2', previous_response_id: 'resp_1', output: [message] }
    await ends[0]?.send(
      JSON.stringify({ type: 'response.created', response: { ...next, output: [] } }),
    )
    await socket.next()
    await ends[0]?.send(JSON.stringify({ type: 'response.completed', response: next }))
    const [link = ''] = /http[^)]+/.exec(String(await socket.next())) ?? []
    expect(grantIn(link)).toMatchObject({ kind: 'path', containerId: 'cntr_1', path: 't.csv' })
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

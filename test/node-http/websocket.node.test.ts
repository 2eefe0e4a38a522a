import { getEventListeners, once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createConnection, type Socket as NetSocket } from 'node:net'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import type { Connect } from '../../src/core/http/websocket.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { type Fetcher, nodeRuntime, type Running, serve, toNodeHandler } from '../../src/node.ts'
import { connectSocket } from '../../src/node-http/websocket.ts'
import { codeInterpreter } from '../lib/harness.ts'

const create = (input: string, more: object = {}) =>
  JSON.stringify({
    type: 'response.create',
    model: 'gpt-4.1',
    input,
    tools: codeInterpreter,
    ...more,
  })

interface Event {
  readonly type: string
  readonly status?: number
}

/** Sends a message and collects the events of its answer. */
function ask(socket: WebSocket, text: string): Promise<Event[]> {
  return new Promise((resolve, reject) => {
    const events: Event[] = []
    const take = (data: Buffer): void => {
      events.push(JSON.parse(data.toString()))
      if (!/^(?:response\.(?:completed|failed)|error)$/.test(events.at(-1)?.type ?? '')) return
      socket.off('message', take)
      socket.off('close', fail)
      resolve(events)
    }
    const fail = (code: number, reason: Buffer): void => reject(new Error(`${code} ${reason}`))
    socket.on('message', take)
    socket.once('close', fail)
    socket.send(text)
  })
}

function connect(url: string, headers: Record<string, string> = {}): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers })
    socket.once('open', () => resolve(socket))
    socket.once('unexpected-response', (_, response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () =>
        reject(Object.assign(new Error(body), { status: response.statusCode })),
      )
    })
    socket.once('error', reject)
  })
}

/** Code and reason with which a socket was closed. */
function endOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }))
  })
}

/** The TCP socket below a client. */
function rawOf(socket: WebSocket): NetSocket {
  return (socket as unknown as { _socket: NetSocket })._socket
}

function countListeners(socket: NetSocket): number {
  return socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0)
}

/** Serves an app with WebSockets. Collects the TCP sockets of upgraded connections. */
async function listenOn(
  app: Fetcher,
  raw: NetSocket[] = [],
): Promise<{ readonly server: Server; readonly base: string }> {
  const handler = toNodeHandler(app)
  const server = createServer(handler).on('upgrade', handler.upgrade)
  server.on('upgrade', (_, socket) => raw.push(socket as NetSocket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, base: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

describe('WebSockets on Node, from socket to socket', () => {
  let upstream: Running
  let gateway: Running
  beforeAll(async () => {
    upstream = await serve({ PORT: '0', LOG_LEVEL: 'silent', CFILE_STORE: 'memory:' })
    gateway = await serve({
      PORT: '0',
      LOG_LEVEL: 'silent',
      CFILE_STORE: 'memory:',
      AZURE_OPENAI_ENDPOINT: upstream.url,
      AZURE_OPENAI_API_KEY: 'any',
      CFILE_API_KEYS: 'ann:a-key-of-sixteen-characters',
    })
  })
  afterAll(async () => {
    await gateway.close()
    await upstream.close()
  })
  const url = () => `${gateway.url}/openai/v1/responses`
  const key = { authorization: 'Bearer a-key-of-sixteen-characters' }

  it('carry answers whose files are downloadable', async () => {
    const socket = await connect(url(), key)
    const events = await ask(socket, create('Save the numbers as a CSV.'))
    const [link] = JSON.stringify(events).match(/http[^"]*download[^"]*|http:[^"\\]+/) ?? []
    expect((await fetch(link ?? '')).status).toBe(200)
    socket.close()
  })

  it('are refused with a JSON error where the key is missing', async () => {
    await expect(connect(url())).rejects.toMatchObject({ status: 401, message: /unauthorized/ })
  })

  it('are refused at every other path', async () => {
    await expect(connect(`${gateway.url}/files/cfile_1`, key)).rejects.toMatchObject({
      status: 404,
    })
    await expect(connect(`${gateway.url}/openai/v1/models`, key)).rejects.toMatchObject({
      status: 400,
    })
  })

  it.each<[string, (socket: WebSocket) => void, { code: number; reason: RegExp }]>([
    [
      'a message is larger than 64 MiB',
      (socket) => socket.send('x'.repeat(64 * 1024 ** 2 + 1)),
      { code: 1009, reason: /at most 64 MiB/ },
    ],
    [
      'a text is not UTF-8',
      (socket) => socket.send(Buffer.from([0xc3, 0x28]), { binary: false }),
      { code: 1007, reason: /not valid UTF-8/ },
    ],
    [
      'a frame has an unknown opcode',
      (socket) => rawOf(socket).write(Buffer.from([0x83, 0x80, 1, 2, 3, 4])),
      { code: 1002, reason: /RFC 6455/ },
    ],
  ])('end with a code and a reason where %s', async (_, send, { code, reason }) => {
    const socket = await connect(url(), key)
    const closed = endOf(socket)
    send(socket)
    const end = await closed
    expect(end.code).toBe(code)
    expect(end.reason).toMatch(reason)
  })

  it('end with an error event and a reason where the upstream sends more than 64 MiB', async () => {
    const far = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    far.on('connection', (socket) =>
      socket.on('message', () => socket.send('x'.repeat(64 * 1024 ** 2 + 1))),
    )
    await once(far, 'listening')
    const { port } = far.address() as AddressInfo
    const upstreams = [{ endpoint: `http://127.0.0.1:${port}`, credential: apiKey('any') }]
    const { server, base } = await listenOn(createApp({ ...nodeRuntime(), upstreams }))
    const socket = await connect(`${base}/openai/v1/responses`)
    const closed = endOf(socket)
    const [event] = await ask(socket, create('hi'))
    expect(event).toMatchObject({ type: 'error', status: 502 })
    expect(await closed).toEqual({
      code: 1011,
      reason: 'The upstream sent a message of more than 64 MiB.',
    })
    server.close()
    far.close()
  })

  it('take no message before the key was checked', async () => {
    const sent = async (headers: string) => {
      const { hostname, port } = new URL(gateway.url)
      const socket = createConnection(Number(port), hostname)
      const text = '{"type":"response.create"}'
      const mask = Buffer.alloc(4)
      const frame = Buffer.concat([
        Buffer.from([0x81, 0x80 | text.length]),
        mask,
        Buffer.from(text),
      ])
      socket.write(
        `GET /openai/v1/responses HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`,
      )
      socket.write(frame)
      let seen = ''
      socket.on('data', (data) => {
        seen += data
      })
      await expect.poll(() => seen).toMatch(/"error"/)
      socket.destroy()
      return seen
    }
    const stranger = await sent('')
    expect(stranger).toMatch(/^HTTP\/1.1 401 /)
    expect(stranger).not.toContain('response.create')
    const caller = await sent('Authorization: Bearer a-key-of-sixteen-characters\r\n')
    expect(caller).toMatch(/^HTTP\/1.1 101 /)
    expect(caller).toContain('"type":"error"')
  })

  it('are counted as ended where the handshake is not complete', async () => {
    const inFlight = async () => {
      const text = await (await fetch(`${gateway.url}/metrics`)).text()
      return [...text.matchAll(/^cfile_in_flight\{family="openai"\} (\d+)$/gm)].map(([, n]) => n)
    }
    const before = await inFlight()
    const { hostname, port } = new URL(gateway.url)
    for (const headers of ['', 'Sec-WebSocket-Version: 12\r\n', 'Sec-WebSocket-Key: short\r\n']) {
      const socket = createConnection(Number(port), hostname)
      socket.write(
        `GET /openai/v1/responses HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: ${key.authorization}\r\n${headers}\r\n`,
      )
      let seen = ''
      socket.on('data', (data) => {
        seen += data
      })
      await once(socket, 'close')
      expect(seen).toMatch(/^HTTP\/1.1 4\d\d /)
    }
    await expect.poll(inFlight).toEqual(before)
  })

  it('take no message any more from the moment when they are closed', async () => {
    const far = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    far.on('connection', (socket) => socket.send('early'))
    await once(far, 'listening')
    const { port } = far.address() as AddressInfo
    const socket = await connectSocket(new URL(`http://127.0.0.1:${port}/`), { headers: {} })
    expect(await socket.next()).toBe('early')
    for (const client of far.clients) client.send('late')
    socket.close({ code: 1001, reason: 'over' })
    expect(socket.ended).toEqual({ code: 1001, reason: 'over' })
    expect(socket.signal.aborted).toBe(true)
    expect(await socket.next()).toBeUndefined()
    far.close()
  })

  it('leave no listener and no timer behind after a thousand messages on one socket', async () => {
    const raw: NetSocket[] = []
    const emulator = createEmulator()
    const azure = await listenOn(emulator, raw)
    const signals: AbortSignal[] = []
    const connectUpstream: Connect = async (target, options) => {
      const socket = await nodeRuntime().connect?.(target, options)
      if (socket === undefined) throw new Error('Node opens WebSockets.')
      signals.push(socket.signal)
      return socket
    }
    const upstream = { endpoint: azure.base, credential: apiKey('any'), connect: connectUpstream }
    const front = await listenOn(createApp({ ...nodeRuntime(), upstreams: [upstream] }), raw)
    const timers = () =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const listeners = () => [
      ...raw.map((socket) => countListeners(socket)),
      ...signals.map((signal) => getEventListeners(signal, 'abort').length),
    ]
    const before = timers()
    const socket = await connect(`${front.base}/openai/v1/responses`)
    const message = create('hi', { tools: [] })
    await ask(socket, message)
    const [early, earlyTimers] = [listeners(), timers()]
    expect(early).toHaveLength(3)
    for (let count = 1; count < 1000; count += 1) await ask(socket, message)
    expect(listeners()).toEqual(early)
    expect(timers()).toBeLessThanOrEqual(earlyTimers)
    const closed = endOf(socket)
    socket.close()
    await closed
    await expect.poll(timers).toBeLessThanOrEqual(before)
    front.server.close()
    azure.server.close()
  })

  it('answer pings', async () => {
    const socket = await connect(url(), key)
    const pong = new Promise((resolve) => socket.once('pong', resolve))
    socket.ping()
    await pong
    socket.close()
  })

  it('stop the upstream while the client does not read, and lose nothing', async () => {
    const socket = await connect(url(), key)
    socket.pause()
    socket.send(create('Save the numbers as a CSV.'))
    await new Promise((resolve) => setTimeout(resolve, 200))
    const types: string[] = []
    socket.on('message', (data) => types.push(JSON.parse(data.toString()).type))
    socket.resume()
    await expect.poll(() => types.at(-1)).toBe('response.completed')
    expect(types[0]).toBe('response.created')
    socket.close()
  })

  it('are served in an Express app, under its path', async () => {
    const app = createApp({
      ...nodeRuntime(),
      upstreams: [{ endpoint: upstream.url, credential: apiKey('any') }],
      publicUrl: 'http://127.0.0.1/ai',
    })
    const handler = toNodeHandler(app)
    const host = express().use('/ai', handler)
    const server = createServer(host).on('upgrade', handler.upgrade)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const socket = await connect(`http://127.0.0.1:${port}/ai/openai/v1/responses`)
    expect((await ask(socket, create('hi'))).at(-1)?.type).toBe('response.completed')
    socket.close()
    await new Promise((resolve) => server.close(resolve))
  })

  it('do not hold up the end of the server', async () => {
    const other = await serve({ PORT: '0', LOG_LEVEL: 'silent', CFILE_STORE: 'memory:' })
    const socket = await connect(`${other.url}/v1/responses`)
    const closed = new Promise<number>((resolve) => socket.once('close', resolve))
    await other.close()
    expect(await closed).toBe(1001)
  })
})

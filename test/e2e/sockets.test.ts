/**
 * The Responses API over WebSocket on every runtime: keys, files, pings, limits, and an upstream that dies.
 */

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { type Child, patient, root, start } from '../lib/child.ts'
import { citedFiles, codeInterpreter } from '../lib/harness.ts'
import { describeWith, freePort } from './engines.ts'

const cli = `${root}src/cli.ts`
const key = 'a-key-of-sixteen-characters'
const headers = { authorization: `Bearer ${key}` }

/** An upstream that begins an answer and then breaks the connection. */
async function startDying() {
  const server = createServer()
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) =>
    socket.on('message', () => {
      socket.send('{"type":"response.created","response":{"id":"resp_1","output":[]}}', () =>
        socket.terminate(),
      )
    }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
}

interface Event {
  readonly type: string
  readonly error?: { readonly code: string }
}

async function open(url: string, own: Record<string, string> = headers): Promise<WebSocket> {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers: own })
  await once(socket, 'open')
  return socket
}

function endOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }))
  })
}

/** Sends a message and collects the events of its answer. */
async function ask(socket: WebSocket, message: object): Promise<Event[]> {
  const events: Event[] = []
  const take = (data: Buffer): void => void events.push(JSON.parse(String(data)))
  socket.on('message', take)
  socket.send(JSON.stringify(message))
  await expect.poll(() => events.at(-1)?.type, patient).toMatch(/^(?:response\.completed|error)$/)
  socket.off('message', take)
  return events
}

const create = (input: string, more: object = {}) => ({
  type: 'response.create',
  model: 'gpt-4.1',
  input,
  tools: codeInterpreter,
  ...more,
})

/** The end of a socket whose message is too large. */
interface Limits {
  readonly tooLarge: { readonly code: number; readonly reason: RegExp }
}

type StartGateway = (env: Readonly<Record<string, string>>) => Promise<Child>

function socketTests(startGateway: StartGateway, { tooLarge }: Limits): void {
  let azure: Child
  let dying: Awaited<ReturnType<typeof startDying>>
  let gateway: Child
  beforeAll(async () => {
    azure = await start('node', [cli, 'serve'], { env: { PORT: '0', CFILE_STORE: 'memory:' } })
    dying = await startDying()
    const upstreams = [
      { name: 'emulator', endpoint: azure.url, api_key: 'any', models: ['gpt-4.1'] },
      { name: 'dying', endpoint: dying.url, api_key: 'any', models: ['dies'] },
    ]
    gateway = await startGateway({
      CFILE_STORE: 'memory:',
      CFILE_API_KEYS: `ann:${key}`,
      CFILE_UPSTREAMS: JSON.stringify(upstreams),
      CFILE_SIGNING_KEYS: `k:${'s'.repeat(40)}`,
      CFILE_LINKS: 'rewrite',
    })
  })
  afterAll(async () => {
    // Wrangler ends workerd only when it is asked to end.
    gateway?.kill()
    const late = setTimeout(() => gateway?.kill('SIGKILL'), 5000)
    await gateway?.ended
    clearTimeout(late)
    dying?.close()
    await azure?.stop()
  })
  const url = () => `${gateway.url}/openai/v1/responses`

  it('carry answers whose files and links work, several on one socket', async () => {
    const socket = await open(url())
    for (const name of ['one', 'two']) {
      const last = (await ask(socket, create(`Save "${name}.csv"`))).at(-1)
      const [file] = citedFiles(last)
      const byId = await fetch(`${gateway.url}/files/${file?.file_id}`, { headers })
      expect(byId.status).toBe(200)
      const [link = ''] = /http[^\s)"\\]+\/s\/[^\s)"\\]+/.exec(JSON.stringify(last)) ?? []
      expect((await fetch(link)).status).toBe(200)
      await byId.body?.cancel()
    }
    socket.close()
  })

  it('are refused without the key, and at other paths', async () => {
    await expect(open(url(), {})).rejects.toThrow('401')
    await expect(open(`${gateway.url}/openai/v1/models`)).rejects.toThrow('400')
  })

  it('are refused with 400 where the handshake is not complete', async () => {
    const { hostname, port } = new URL(gateway.url)
    const socket = createConnection(Number(port), hostname)
    socket.write(
      `GET /openai/v1/responses HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: ${headers.authorization}\r\n\r\n`,
    )
    const [seen] = await once(socket, 'data')
    expect(String(seen)).toMatch(/^HTTP\/1.1 4\d\d /)
    socket.destroy()
  })

  it('answer pings', async () => {
    const socket = await open(url())
    const pong = once(socket, 'pong')
    socket.ping('hello')
    expect(String((await pong)[0])).toBe('hello')
    socket.close()
  })

  it('answer a wrong message with an error event, and go on', async () => {
    const socket = await open(url())
    for (const message of [
      { type: 'response.create' },
      create('hi', { previous_response_id: 'resp_x' }),
    ])
      expect((await ask(socket, message)).at(-1)?.type).toBe('error')
    expect((await ask(socket, create('hi'))).at(-1)?.type).toBe('response.completed')
    socket.close()
  })

  it('end where a message is too large', async () => {
    const socket = await open(url())
    const ended = endOf(socket)
    socket.on('error', () => {})
    socket.send('x'.repeat(64 * 1024 ** 2 + 1))
    const { code, reason } = await ended
    expect(code).toBe(tooLarge.code)
    expect(reason).toMatch(tooLarge.reason)
  })

  it('end with an error event, a code and a reason where the upstream dies in an answer', async () => {
    const socket = await open(url())
    const ended = endOf(socket)
    const events = await ask(socket, create('hi', { model: 'dies' }))
    expect(events.map(({ type }) => type)).toEqual(['response.created', 'error'])
    expect(events.at(-1)?.error?.code).toBe('upstream_error')
    expect(await ended).toEqual({ code: 1011, reason: 'The upstream broke the connection.' })
  })
}

const onServer =
  (command: string, args: readonly string[]): StartGateway =>
  (env) =>
    start(command, [...args, 'serve'], { env: { ...env, PORT: '0' } })

describe('WebSockets on Node', () => {
  socketTests(onServer('node', [cli]), { tooLarge: { code: 1009, reason: /at most 64 MiB/ } })
})

describeWith(['bun'], 'WebSockets on Bun', (bun) => {
  socketTests(onServer(bun, [cli]), { tooLarge: { code: 1009, reason: /too big/ } })
})

describeWith(['deno'], 'WebSockets on Deno', (deno) => {
  // Deno itself cuts the connection, without a close frame.
  socketTests(onServer(deno, ['run', '-A', '--no-check', '--quiet', cli]), {
    tooLarge: { code: 1006, reason: /^$/ },
  })
})

describeWith(['wrangler'], 'WebSockets on Workers', (wrangler) => {
  const folder = mkdtempSync(join(tmpdir(), 'cfile-sockets-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const startWorker: StartGateway = async (env) => {
    const [port, inspector] = [String(await freePort()), String(await freePort())]
    const own = { ...env, CFILE_PUBLIC_URL: `http://127.0.0.1:${port}` }
    const vars = Object.entries(own).flatMap(([name, value]) => ['--var', `${name}:${value}`])
    const place = ['--ip', '127.0.0.1', '--port', port, '--inspector-port', inspector]
    return start(wrangler, ['dev', '--local', ...place, '--persist-to', folder, ...vars], {
      env: { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false', CI: '1' },
    })
  }
  // workerd takes 32 MiB at most.
  socketTests(startWorker, { tooLarge: { code: 1009, reason: /too large/ } })
})

import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { createApp } from '../src/app.ts'
import { apiKey } from '../src/azure/credentials.ts'
import { createEmulator } from '../src/emulator/emulator.ts'
import { nodeRuntime, type Running, serve, toNodeHandler } from '../src/node.ts'
import { openApp } from '../src/start/open-app.ts'
import { parseEnv } from '../src/start/settings/settings.ts'
import { citedFiles, json, responseRequest } from './lib/harness.ts'
import { doMainJob } from './lib/main-job.ts'
import { serveApp } from './lib/served.ts'
import { listen } from './lib/upstream.ts'

const quiet = { PORT: '0', LOG_LEVEL: 'silent' }

describe('serve', () => {
  const running: Running[] = []
  async function open(env: Record<string, string> = {}): Promise<Running> {
    const server = await serve({ ...quiet, ...env })
    running.push(server)
    return server
  }
  afterEach(() => Promise.all(running.splice(0).map((server) => server.close())))

  it('does the main job without settings, and each answer says that it comes from an emulator', async () => {
    const { url, emulated } = await open()
    expect(emulated).toBe(true)
    await doMainJob(url)
    for (const path of ['/healthz', '/readyz', '/files/cfile_unknown', '/nowhere']) {
      expect((await fetch(url + path)).headers.get('x-cfile-emulator'), path).toBe('1')
    }
  })

  it('never answers from the emulator when an endpoint is set, not even one of another machine', async () => {
    const behind = await open()
    const { url, emulated } = await open({
      AZURE_OPENAI_ENDPOINT: behind.url,
      AZURE_OPENAI_API_KEY: 'a-key',
    })
    expect(emulated).toBe(false)
    expect((await fetch(`${url}/healthz`)).headers.get('x-cfile-emulator')).toBeNull()
    expect((await fetch(`${url}/emulator`)).status).toBe(404)
    await doMainJob(url)
  })

  it.each([
    [{ HOST: '0.0.0.0' }, 'AZURE_OPENAI_ENDPOINT'],
    [{ HOST: '::' }, 'AZURE_OPENAI_ENDPOINT'],
    [
      { HOST: '0.0.0.0', AZURE_OPENAI_ENDPOINT: 'http://127.0.0.1:9', AZURE_OPENAI_API_KEY: 'k' },
      'CFILE_ALLOW_ANONYMOUS',
    ],
  ])('does not start open to strangers: %o', async (env, param) => {
    await expect(serve({ ...quiet, ...env })).rejects.toMatchObject({
      code: 'invalid_request',
      details: { param },
      message: expect.stringContaining(param),
    })
  })

  it('finishes a running download when it closes, and accepts no other', async () => {
    const { url, close } = await open()
    const answer = await fetch(
      `${url}/openai/v1/responses`,
      json(responseRequest('Save a 40 MB binary file')),
    )
    const [file] = citedFiles(await answer.json())
    const download = await fetch(`${url}/files/${file?.file_id}`)
    const closed = close()
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
    expect((await download.arrayBuffer()).byteLength).toBe(40_000_000)
    await closed
  })

  it('closes immediately when connections are only kept alive', async () => {
    const { url, close } = await open()
    await Promise.all([1, 2, 3].map(async () => (await fetch(`${url}/healthz`)).arrayBuffer()))
    const started = performance.now()
    await close()
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

describe('toNodeHandler', () => {
  const servers: Server[] = []
  afterAll(() => {
    for (const server of servers) server.close()
  })

  /** A server whose links are right although its port is only known when it listens. */
  async function mount(path: string): Promise<{ server: Server; base: string }> {
    const server = createServer()
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
    return { server, base }
  }

  it('mounts in a plain node:http server', async () => {
    const { server, base } = await mount('')
    const settings = parseEnv({ CFILE_PUBLIC_URL: base, LOG_LEVEL: 'silent' })
    server.on('request', toNodeHandler(openApp(settings, { emulator: createEmulator })))
    await doMainJob(base)
  })

  it.each([
    ['kept', (url = '') => url],
    ['cut off', (url = '') => url.replace('/ai/files-of-ours', '')],
  ])('mounts in a plain node:http server below a path that is %s', async (_, cut) => {
    const { server, base } = await mount('/ai/files-of-ours')
    const settings = parseEnv({ CFILE_PUBLIC_URL: base, LOG_LEVEL: 'silent' })
    const handler = toNodeHandler(openApp(settings, { emulator: createEmulator }))
    server.on('request', (req, res) => {
      req.url = cut(req.url)
      void handler(req, res)
    })
    await doMainJob(base)
  })

  it('answers requests that come at once on a connection one after another, each whole', async () => {
    const bytes = 60_000
    const asked: string[] = []
    const upstream = await listen(async ({ url = '' }, response) => {
      const name = /cfile_(\w)/.exec(url)?.[1] ?? ''
      asked.push(name)
      response.writeHead(200, { 'content-length': bytes })
      // Lasts longer than the idle limit in all.
      for (let sent = 0; sent < bytes; sent += bytes / 10) {
        if (name === 'a') await sleep(60)
        response.write(name.repeat(bytes / 10))
      }
      asked.push(`end of ${name}`)
      response.end()
    })
    onTestFinished(upstream.close)
    const upstreams = [{ endpoint: upstream.url, credential: apiKey('a-secret-key') }]
    const app = createApp({ ...nodeRuntime(), upstreams, idleTimeoutMs: 200 })
    const gateway = await serveApp(app)
    onTestFinished(gateway.close)
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1')
    for (const name of ['a', 'b']) {
      const end = name === 'b' ? 'connection: close\r\n' : ''
      const path = `/openai/v1/containers/cntr_abc/files/cfile_${name}/content`
      socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n${end}\r\n`)
    }
    let raw = ''
    for await (const chunk of socket) raw += chunk
    const bodies = raw.split('\r\n\r\n').slice(1)
    expect(bodies.map((body) => body.slice(0, bytes))).toEqual([
      'a'.repeat(bytes),
      'b'.repeat(bytes),
    ])
    expect(asked).toEqual(['a', 'end of a', 'b', 'end of b'])
  })

  it('settles, so that the host app goes on, when the host has ended the response before', async () => {
    const handler = toNodeHandler(createEmulator())
    let isSettled = false
    const host = await listen((request, response) => {
      response.once('finish', async () => {
        // The connection is free by then.
        await sleep(20)
        await handler(request, response).catch(() => {})
        isSettled = true
      })
      response.end('own')
    })
    onTestFinished(host.close)
    expect(await (await fetch(host.url)).text()).toBe('own')
    await expect.poll(() => isSettled).toBe(true)
  })

  it('returns an error when a body parser of the host app has consumed the body', async () => {
    const { server, base } = await mount('')
    const settings = parseEnv({ CFILE_PUBLIC_URL: base, LOG_LEVEL: 'silent' })
    const handler = toNodeHandler(openApp(settings, { emulator: createEmulator }))
    server.on('request', async (req: IncomingMessage & { rawBody?: Buffer }, res) => {
      const chunks = await req.toArray()
      if (req.headers['x-kept'] !== undefined) req.rawBody = Buffer.concat(chunks)
      void handler(req, res)
    })
    const request = json(responseRequest('Save a CSV'))
    const refused = await fetch(`${base}/v1/responses`, request)
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({
      error: { code: 'invalid_request', hint: expect.stringContaining('express.json()') },
    })
    const headers = { ...request.headers, 'x-kept': '1' }
    expect((await fetch(`${base}/v1/responses`, { ...request, headers })).status).toBe(200)
    expect((await fetch(`${base}/healthz`)).status).toBe(200)
  })

  it("leaves the host's Request and Response alone", async () => {
    const { Request: before, Response: beforeToo } = globalThis
    toNodeHandler(openApp(parseEnv({}), { emulator: createEmulator }))
    expect(globalThis.Request).toBe(before)
    expect(globalThis.Response).toBe(beforeToo)
  })
})

/**
 * The entry point of Workers, in workerd: when it refuses to serve, and when it serves.
 */

import { env as bindings } from 'cloudflare:workers'
import type { ExecutionContext } from 'hono'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createEmulator } from '../src/emulator/emulator.ts'
import worker, { type WorkerEnv } from '../src/workers.ts'

const { FILES_KV, FILES_DB, FILES_BUCKET } = bindings
const azure = {
  AZURE_OPENAI_ENDPOINT: 'https://res.openai.azure.com',
  AZURE_OPENAI_API_KEY: 'secret-of-azure',
  LOG_LEVEL: 'silent',
}
const signing = { CFILE_SIGNING_KEYS: `k:${'s'.repeat(32)}` }
const keys = { CFILE_API_KEYS: 'ann:a-key-of-ann-for-tests' }
const deployed = 'https://files.example.workers.dev'

const context = { waitUntil() {}, passThroughOnException() {}, props: {} } as ExecutionContext

function ask(env: WorkerEnv, path: string, origin = deployed, init?: RequestInit) {
  return worker.fetch(new Request(origin + path, init), env, context)
}

async function errorOf(answer: Response) {
  return ((await answer.json()) as { error: Record<string, unknown> }).error
}

describe('a deployed Worker', () => {
  const incomplete: [without: string, env: WorkerEnv, param: string][] = [
    ['callers', { ...azure, ...signing }, 'CFILE_ALLOW_ANONYMOUS'],
    ['a signing key', { ...azure, ...keys }, 'CFILE_SIGNING_KEYS'],
    ['a signing key, open to all', { ...azure, CFILE_ALLOW_ANONYMOUS: '1' }, 'CFILE_SIGNING_KEYS'],
    ['an upstream', { ...signing, ...keys }, 'AZURE_OPENAI_ENDPOINT'],
    ['anything', {}, 'CFILE_ALLOW_ANONYMOUS'],
  ]
  it.each(incomplete)('without %s serves nothing and names the setting', async (_, env, param) => {
    for (const path of ['/files/cfile_1', '/healthz', '/readyz', '/', '/openai/v1/models']) {
      const answer = await ask(env, path)
      expect(answer.status, path).toBe(503)
      const error = await errorOf(answer)
      expect(error).toMatchObject({ code: 'not_ready', param })
      expect(error.message).toContain(param)
      expect(JSON.stringify(error)).not.toContain('secret-of-azure')
    }
  })

  it('serves callers with a key only', async () => {
    const env = { ...azure, ...signing, ...keys, FILES_KV, FILES_BUCKET }
    expect((await ask(env, '/healthz')).status).toBe(200)
    expect((await ask(env, '/readyz')).status).toBe(200)
    const nobody = await ask(env, '/files/cfile_1')
    expect(nobody.status).toBe(401)
    expect(nobody.headers.get('x-cfile-emulator')).toBeNull()
    const headers = { authorization: 'Bearer a-key-of-ann-for-tests' }
    const ann = await ask(env, `/files/cfile_${'0'.repeat(32)}`, deployed, { headers })
    expect(ann.status).toBe(404)
    expect(await errorOf(ann)).toMatchObject({ code: 'file_not_found' })
  })

  it('serves everybody with CFILE_ALLOW_ANONYMOUS', async () => {
    const env = { ...azure, ...signing, CFILE_ALLOW_ANONYMOUS: '1' }
    const answer = await ask(env, `/files/cfile_${'0'.repeat(32)}`)
    expect(await errorOf(answer)).toMatchObject({ code: 'container_unknown' })
  })

  it('says which setting is wrong and what it takes', async () => {
    const answer = await ask({ ...azure, ...signing, ...keys, CFILE_LINKS: 'yes' }, '/healthz')
    expect(answer.status).toBe(503)
    expect(await errorOf(answer)).toMatchObject({
      code: 'not_ready',
      message: expect.stringContaining('CFILE_LINKS'),
    })
  })

  it('works as soon as the setting is there', async () => {
    const env: Record<string, unknown> = { ...azure, ...keys }
    expect((await ask(env, '/healthz')).status).toBe(503)
    Object.assign(env, signing)
    expect((await ask(env, '/healthz')).status).toBe(200)
  })

  it('makes the copies of an evicted isolate in its cron trigger', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const emulator = createEmulator({ now: () => Math.floor(Date.now() / 1000) })
    vi.stubGlobal('fetch', async (input: RequestInfo, init?: RequestInit) =>
      emulator.fetch(new Request(input, init)),
    )
    onTestFinished(() => void vi.unstubAllGlobals())
    const env = { ...azure, ...signing, CFILE_ALLOW_ANONYMOUS: '1', FILES_DB }
    const archive = { CFILE_ARCHIVE: 'r2:FILES_BUCKET' }
    // A Worker can be stopped at any time without notice.
    const stopped = { createMultipartUpload: never, get: never, put: never }
    const request = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4.1', input: 'Save sales.csv', tools: [codeInterpreter] }),
    }
    const evicted = { ...env, ...archive, FILES_BUCKET: stopped }
    const answer = await ask(evicted, '/openai/v1/responses', deployed, request)
    const [id] = /cfile_[0-9a-f]{32}/.exec(await answer.text()) ?? []
    const copies = async () =>
      (await FILES_BUCKET.list({ prefix: `records/anyone/${id}` })).objects.length
    // Longer than its lease.
    vi.setSystemTime(Date.now() + 60_000)
    expect(await copies()).toBe(0)

    const fresh = { ...env, ...archive, FILES_BUCKET }
    await worker.scheduled({}, fresh)
    await expect.poll(copies, { timeout: 5000 }).toBe(1)
    vi.setSystemTime(Date.now() + 2 * 3_600_000)
    expect((await ask(fresh, `/files/${id}`)).status).toBe(200)
  })

  it('refuses its cron trigger without settings', async () => {
    await expect(worker.scheduled({}, { ...azure })).rejects.toMatchObject({ code: 'not_ready' })
  })
})

describe('a Worker on this machine', () => {
  it.each(['http://localhost:8787', 'http://127.0.0.1:8787', 'http://[::1]:8787'])(
    'serves the emulator at %s without settings, and says so',
    async (origin) => {
      const env = { LOG_LEVEL: 'silent' }
      const prompt = { model: 'gpt-4.1', input: 'Save sales.csv.', tools: [codeInterpreter] }
      const answer = await ask(env, '/openai/v1/responses', origin, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(prompt),
      })
      expect(answer.headers.get('x-cfile-emulator')).toBe('1')
      const [id] = /cfile_[0-9a-f]{32}/.exec(await answer.text()) ?? []
      const file = await ask(env, `/files/${id}`, origin)
      expect(file.status).toBe(200)
      expect((await file.text()).split('\n').length).toBeGreaterThan(2)
    },
  )
})

const codeInterpreter = { type: 'code_interpreter', container: { type: 'auto' } }
const never = () => new Promise<never>(() => {})

interface Socket extends WebSocket {
  accept(): void
}

/** The next message of a socket that matches. */
function messageOf(socket: WebSocket, pattern: RegExp): Promise<string> {
  return new Promise((resolve) => {
    socket.addEventListener('message', ({ data }) => {
      if (pattern.test(String(data))) resolve(String(data))
    })
  })
}

describe('WebSockets on Workers', () => {
  const create = JSON.stringify({
    type: 'response.create',
    model: 'gpt-4.1',
    input: 'Save the numbers as a CSV.',
    tools: [{ type: 'code_interpreter', container: { type: 'auto' } }],
  })

  async function open(env: WorkerEnv, origin: string, headers = {}): Promise<Socket> {
    const init = { headers: { ...headers, upgrade: 'websocket' } }
    const answer = await ask(env, '/openai/v1/responses', origin, init)
    const { webSocket } = answer as Response & { webSocket?: Socket }
    if (!webSocket) throw new Error(`status ${answer.status}`)
    webSocket.accept()
    return webSocket
  }

  it('carry answers of the emulator', async () => {
    const socket = await open({ LOG_LEVEL: 'silent' }, 'http://127.0.0.1:8787')
    const cited = messageOf(socket, /cfile_\w+/)
    socket.send(create)
    expect(await cited).toContain('download_url')
    socket.close()
  })

  it('authenticate at the upstream and pass its messages on', async () => {
    const pair = new (
      globalThis as unknown as { WebSocketPair: new () => [Socket, Socket] }
    ).WebSocketPair()
    const [near, far] = [pair[0], pair[1]]
    far.accept()
    const seen: Headers[] = []
    const fetched = vi.spyOn(globalThis, 'fetch').mockImplementation(async (_, init) => {
      seen.push(new Headers(init?.headers))
      return new Response(null, { status: 101, webSocket: near } as ResponseInit)
    })
    onTestFinished(() => fetched.mockRestore())
    const env = { ...azure, ...signing, ...keys, FILES_KV }
    const socket = await open(env, deployed, { authorization: 'Bearer a-key-of-ann-for-tests' })
    const arrived = messageOf(far, /response\.create/)
    socket.send(create)
    expect(await arrived).toBe(create)
    expect(seen.map((headers) => [headers.get('api-key'), headers.get('authorization')])).toEqual([
      ['secret-of-azure', null],
    ])
    const answered = messageOf(socket, /./)
    far.send('{"type":"response.created","response":{"id":"resp_1"}}')
    expect(await answered).toBe('{"type":"response.created","response":{"id":"resp_1"}}')
    socket.close()
  })
})

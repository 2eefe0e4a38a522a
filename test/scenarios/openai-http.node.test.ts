import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { nodeRuntime } from '../../src/node.ts'
import type { AppOptions } from '../../src/options.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { errorCode, json, responseRequest } from '../lib/harness.ts'
import { rounds } from '../lib/rounds.ts'
import { serveApp, servePair } from '../lib/served.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** With web streams, and with Node's own carrier. */
const transports = [
  ['web streams', {}],
  ['sockets', nodeRuntime()],
] as const
type Transport = (typeof transports)[number][1]

/** A gateway before an upstream with scripted answers. */
async function serveBefore(
  transport: Transport,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  options: Partial<AppOptions> = {},
): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const upstreams = [{ endpoint: `http://127.0.0.1:${port}`, credential: apiKey('k') }]
  const gateway = await serveApp(createApp({ upstreams, ...transport, ...options }))
  closers.push(gateway.close)
  return gateway.url
}

/** A promise and its resolve function. */
function later<T>() {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve: (value: T) => resolve(value) }
}

/** Milliseconds from the disconnect of the client until the upstream notices. */
async function timeToAbort(
  transport: Transport,
  answer: (response: ServerResponse, left: () => void) => void,
  leave: (url: string, signal: AbortSignal, left: () => void) => Promise<unknown>,
): Promise<number> {
  const client = new AbortController()
  let leftAt = Number.NaN
  const learnt = later<number>()
  const left = (): void => {
    leftAt = performance.now()
    client.abort()
  }
  const url = await serveBefore(transport, (request, response) => {
    const end = (): void => learnt.resolve(performance.now() - leftAt)
    request.socket.once('close', end)
    response.once('close', end)
    request.resume()
    answer(response, left)
  })
  await leave(url, client.signal, left).catch(() => {})
  return learnt.promise
}

describe.each(transports)('a client that disconnects, over %s', (_, transport) => {
  it('aborts the upstream within a second, before anything arrived', async () => {
    const ms = await timeToAbort(
      transport,
      (_response, left) => left(),
      async (url, signal) => {
        await fetch(`${url}/openai/v1/responses`, { ...json({ model: 'm', input: 'hi' }), signal })
      },
    )
    expect(ms).toBeLessThan(1000)
  })

  it.each(['/openai/v1/responses', '/openai/v1/chat/completions'])(
    'aborts it in the middle of a stream too: %s',
    async (path) => {
      const ms = await timeToAbort(
        transport,
        (response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' })
          response.write('data: {"type":"response.created"}\n\n')
        },
        async (url, signal, left) => {
          const answer = await fetch(url + path, { ...json({ model: 'm', stream: true }), signal })
          await answer.body?.getReader().read()
          left()
        },
      )
      expect(ms).toBeLessThan(1000)
    },
  )
})

describe.each(transports)('an upload, over %s', (_, transport) => {
  it('reaches the upstream while the client still sends it', async () => {
    let seen = 0
    const first = later<void>()
    const url = await serveBefore(transport, (request, response) => {
      request.on('data', (chunk: Uint8Array) => {
        seen += chunk.length
        first.resolve()
      })
      request.on('end', () => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end('{"object":"file","id":"assistant-1","filename":"a","bytes":1}')
      })
    })
    const body = new TransformStream<Uint8Array, Uint8Array>()
    const writer = body.writable.getWriter()
    const upload = fetch(`${url}/openai/v1/files`, {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      body: body.readable,
      duplex: 'half',
    } as RequestInit)
    await writer.write(new Uint8Array(70_000))
    await first.promise
    expect(seen).toBeGreaterThan(0)
    await writer.write(new Uint8Array(70_000))
    await writer.close()
    expect((await upload).status).toBe(200)
    expect(seen).toBe(140_000)
  })
})

describe('the file of a citation', () => {
  it('exists for a client that requests the file as soon as it sees the citation', async () => {
    const store = memoryStore({ now: () => Math.floor(Date.now() / 1000) })
    const slow: typeof store = {
      ...store,
      async put(...entry) {
        // Longer than a request on loopback, so that a record written after the release would be noticed.
        await new Promise((resolve) => setTimeout(resolve, 40 + Math.random() * 40))
        return store.put(...entry)
      },
    }
    const pair = await servePair({ store: slow })
    closers.push(pair.close)
    let races = 0
    const race = async (stream: boolean): Promise<void> => {
      const body = json(responseRequest('Save the numbers as a CSV and draw a chart.', { stream }))
      const answer = await fetch(`${pair.gateway}/openai/v1/responses`, body)
      const downloads = new Map<string, Promise<number>>()
      let text = ''
      const decoder = new TextDecoder()
      for await (const chunk of answer.body ?? []) {
        text += decoder.decode(chunk, { stream: true })
        for (const [, id = ''] of text.matchAll(/"file_id": ?"(cfile_[0-9a-f]+)"/g)) {
          if (downloads.has(id)) continue
          downloads.set(
            id,
            fetch(`${pair.gateway}/files/${id}`, { method: 'HEAD' }).then(({ status }) => status),
          )
        }
      }
      const statuses = await Promise.all(downloads.values())
      races += statuses.length
      expect(statuses.every((status) => status === 200)).toBe(true)
      expect(statuses.length).toBeGreaterThan(1)
    }
    for (let round = 0; round < rounds(5); round += 1) {
      await Promise.all(Array.from({ length: 8 }, (_, index) => race(index % 2 === 0)))
    }
    expect(races).toBeGreaterThanOrEqual(80)
  }, 600_000)
})

describe.each(transports)(
  'an upstream that stops sending in the middle of its answer, by %s',
  (_, transport) => {
    const container = `cntr_${'c'.repeat(48)}`
    const file = `cfile_${'d'.repeat(32)}`

    async function askSilent(path: string): Promise<Response> {
      const base = await serveBefore(
        transport,
        (request, response) => {
          const isContent = request.url?.endsWith('/content')
          const type = isContent ? 'application/octet-stream' : 'application/json'
          response.writeHead(200, { 'content-type': type, 'content-length': 1000 })
          response.write('{"data":[')
        },
        { idleTimeoutMs: 100, generationTimeoutMs: 100 },
      )
      return fetch(base + path)
    }

    it.each([
      `/files/${file}?container_id=${container}&disposition=inline`,
      `/v1/containers/${container}/files/${file}`,
      `/v1/containers/${container}/files/${file}/content`,
      `/v1/responses/resp_${'a'.repeat(40)}`,
      `/containers/${container}/files`,
    ])('is aborted at the time limit: %s', async (path) => {
      const answer = await askSilent(path).catch(() => undefined)
      if (answer?.status === 200) await expect(answer.arrayBuffer()).rejects.toThrow()
      else expect(answer && (await errorCode(answer))).toBe('upstream_timeout')
    })

    it('may pause after its headers as long as before them', async () => {
      const body = '{"object":"response","output":[]}'
      const base = await serveBefore(
        transport,
        (request, response) => {
          request.resume()
          response.writeHead(200, { 'content-type': 'application/json' })
          response.write(body.slice(0, 5))
          setTimeout(() => response.end(body.slice(5)), 600)
        },
        { idleTimeoutMs: 100, generationTimeoutMs: 10_000 },
      )
      const answer = await fetch(`${base}/v1/responses`, json(responseRequest('Think.')))
      expect([answer.status, await answer.text()]).toEqual([200, body])
    })
  },
)

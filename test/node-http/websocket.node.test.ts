import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { nodeRuntime, type Running, serve, toNodeHandler } from '../../src/node.ts'
import { codeInterpreter } from '../lib/harness.ts'

const create = (input: string) =>
  JSON.stringify({ type: 'response.create', model: 'gpt-4.1', input, tools: codeInterpreter })

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
      resolve(events)
    }
    socket.on('message', take)
    socket.once('close', (code, reason) => reject(new Error(`${code} ${reason}`)))
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

  it('end with the reason of the limit where a message is larger than 64 MiB', async () => {
    const socket = await connect(url(), key)
    const closed = new Promise<number>((resolve) => socket.once('close', resolve))
    socket.send('x'.repeat(64 * 1024 ** 2 + 1))
    expect(await closed).toBe(1009)
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

/**
 * Clients whose request body stops in the middle.
 */

import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { it, type TestContext } from 'vitest'
import { type Running, serve } from '../../src/node.ts'

const idleMs = 600

async function open({ onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
  /** How each request to the upstream ended, in order. */
  const upstream: ('whole' | 'aborted')[] = []
  const azure = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of req) chunks.push(chunk)
      upstream.push('whole')
    } catch {
      upstream.push('aborted')
      return
    }
    const bytes = Buffer.concat(chunks).byteLength
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify({ id: 'file-abc123', object: 'file', bytes, output: [] }))
  })
  await new Promise<void>((resolve) => azure.listen(0, '127.0.0.1', resolve))
  const gateway = await serve({
    AZURE_OPENAI_ENDPOINT: `http://127.0.0.1:${(azure.address() as AddressInfo).port}`,
    AZURE_OPENAI_API_KEY: 'a-key',
    CFILE_STORE: 'memory:',
    CFILE_IDLE_TIMEOUT_MS: String(idleMs),
    LOG_LEVEL: 'silent',
    PORT: '0',
  })
  onTestFinished(async () => {
    azure.closeAllConnections()
    azure.close()
    await gateway.close()
  })
  return { gateway, upstream }
}

interface Sending {
  readonly socket: Socket
  /** All answered bytes until the connection has ended. */
  readonly answer: Promise<string>
}

function begin(gateway: Running, path: string, type: string, length: number): Sending {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1')
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: localhost',
    `content-type: ${type}`,
    `content-length: ${length}`,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  let text = ''
  socket.on('data', (bytes) => {
    text += bytes.toString()
  })
  socket.on('error', () => {})
  const answer = new Promise<string>((resolve) => socket.on('close', () => resolve(text)))
  return { socket, answer }
}

/** Sends a body in pieces. Each pause is shorter than the timeout; their sum is longer. */
async function sendSlowly(socket: Socket, body: string): Promise<void> {
  const size = Math.ceil(body.length / 6)
  for (let at = 0; at < body.length; at += size) {
    await sleep(idleMs / 2)
    socket.write(body.slice(at, at + size))
  }
}

const form = 'multipart/form-data; boundary=b'
const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
const bodies = [
  ['/openai/v1/responses', 'application/json', '{"model":"gpt-4.1","input":"Hello"}'],
  ['/captures', 'application/json', '{"id":"resp_abc","object":"response","output":[]}'],
  ['/links', 'application/json', '{"file_id":"cfile_abc","container_id":"cntr_abc"}'],
  ['/openai/v1/files', form, `${head}${'x'.repeat(100_000)}\r\n--b--\r\n`],
] as const

it.concurrent.for(bodies)(
  'a client whose body of %s stops gets an error, and its connection is closed',
  async (sent, context) => {
    const { expect } = context
    const { gateway, upstream } = await open(context)
    const [path, type, body] = sent
    const { socket, answer } = begin(gateway, path, type, body.length)
    socket.write(body.slice(0, body.length >> 1))
    const started = performance.now()
    const text = await answer
    expect(performance.now() - started).toBeGreaterThan(idleMs * 0.9)
    expect(text).toMatch(/^HTTP\/1\.1 400 .*connection: close/is)
    expect(text).toContain('"code":"invalid_request"')
    expect(text).toContain('CFILE_IDLE_TIMEOUT_MS')
    await expect.poll(() => upstream).toEqual(type === form ? ['aborted'] : [])
  },
)

it.concurrent.for(bodies)('accepts a slow body of %s', async ([path, type, body], context) => {
  const { expect } = context
  const { gateway } = await open(context)
  const { socket, answer } = begin(gateway, path, type, body.length)
  await sendSlowly(socket, body)
  await sleep(300)
  socket.end()
  expect(await answer).toMatch(/^HTTP\/1\.1 200 /)
})

it.concurrent('closes the connection of a client whose body nobody reads', async (context) => {
  const { expect } = context
  const { gateway } = await open(context)
  const { socket, answer } = begin(gateway, '/nowhere', 'application/json', 1000)
  socket.write('{')
  expect(await answer).toMatch(/^HTTP\/1\.1 404 /)
})

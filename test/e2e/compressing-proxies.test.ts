/**
 * A gateway behind Express with `compression`, and behind nginx with gzip and its default buffering.
 */

import { writeFileSync } from 'node:fs'
import {
  createServer,
  get,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from 'node:http'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import compression from 'compression'
import express from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { type Fetcher, toNodeHandler } from '../../src/node.ts'
import { citedFiles, json, responseRequest } from '../lib/harness.ts'
import { serveApp } from '../lib/served.ts'
import { describeWith, freePort } from './engines.ts'
import { freshFolder, listening, start } from './programs.ts'

const compressed = { 'accept-encoding': 'gzip, deflate, br' }

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
}

/** A body as it was before a proxy compressed it. */
function decoded(answer: IncomingMessage): Readable {
  return answer.headers['content-encoding'] === 'gzip' ? answer.pipe(createGunzip()) : answer
}

/** Asks as browsers do. */
function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { ...compressed, ...headers } }, (answer) => {
      const { statusCode: status = 0, headers: own } = answer
      const chunks: Buffer[] = []
      const body = decoded(answer)
      body.on('data', (chunk: Buffer) => chunks.push(chunk))
      body.on('error', reject)
      body.on('end', () => resolve({ status, headers: own, bytes: Buffer.concat(chunks) }))
    }).on('error', reject)
  })
}

/** An Azure that writes the first event of a stream, and all others only when it is told to. */
async function openAzure() {
  const emulator = createEmulator()
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const answer = await emulator.fetch(new Request(input, init))
    if (!answer.headers.get('content-type')?.startsWith('text/event-stream')) return answer
    const text = await answer.text()
    const end = text.indexOf('\n\n') + 2
    const encoder = new TextEncoder()
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(encoder.encode(text.slice(0, end)))
        await held
        controller.enqueue(encoder.encode(text.slice(end)))
        controller.close()
      },
    })
    return new Response(body, answer)
  }
  const app = createApp({
    upstreams: [{ endpoint: 'http://emulator.localhost', credential: apiKey('any'), fetch }],
  })
  return { app, release }
}

/** Opens a stream of events; `first` resolves with what comes first. */
function openStream(url: string) {
  let text = ''
  let seen = (_: string): void => {}
  const first = new Promise<string>((resolve) => {
    seen = resolve
  })
  const whole = new Promise<string>((resolve, reject) => {
    const { body, method } = json(responseRequest('Save the numbers as a CSV.', { stream: true }))
    const headers = { 'content-type': 'application/json', ...compressed }
    const asked = request(`${url}/openai/v1/responses`, { method, headers }, (answer) => {
      const body = decoded(answer)
      body.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        if (text.includes('\n\n')) seen(text)
      })
      body.on('end', () => resolve(text))
      body.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(body)
  })
  return { first, whole }
}

/**
 * What a user of the gateway is promised.
 *
 * @param isCompressed whether the proxy compresses files although they forbid it
 */
async function keepsItsPromises(
  url: string,
  azure: Awaited<ReturnType<typeof openAzure>>,
  isCompressed = false,
) {
  const stream = openStream(url)
  // The rest is held back until the first event has arrived.
  expect(await Promise.race([stream.first, stream.whole])).toContain('response.created')
  azure.release()
  expect(await stream.whole).toContain('response.completed')

  const prompt = 'Write table.csv of 300 KB and Save "data.bin".'
  const asked = json(responseRequest(prompt))
  const files = citedFiles(await (await fetch(`${url}/openai/v1/responses`, asked)).json())
  expect(files.length).toBeGreaterThan(0)
  for (const { file_id } of files) {
    const path = `${url}/files/${file_id}`
    const whole = await ask(path)
    expect(whole.status).toBe(200)
    const head = await fetch(path, { method: 'HEAD', headers: { 'accept-encoding': 'identity' } })
    expect(head.headers.get('content-length')).toBe(String(whole.bytes.byteLength))
    const etag = head.headers.get('etag') ?? ''
    if (!isCompressed) {
      expect(whole.headers['content-encoding']).toBeUndefined()
      expect(whole.headers['content-length']).toBe(String(whole.bytes.byteLength))
      expect(whole.headers.etag).toBe(etag)
    }
    const size = whole.bytes.byteLength
    for (const [range, from, to] of [
      ['bytes=0-9', 0, 9],
      [`bytes=${size >> 1}-`, size >> 1, size - 1],
      ['bytes=-5', size - 5, size - 1],
    ] as const) {
      const part = await ask(path, { range, 'if-range': etag })
      expect([part.status, part.headers['content-range']]).toEqual([
        206,
        `bytes ${from}-${to}/${size}`,
      ])
      expect(part.headers['content-length']).toBe(String(to - from + 1))
      expect(part.bytes).toEqual(whole.bytes.subarray(from, to + 1))
    }
    expect((await ask(path, { 'if-none-match': etag })).status).toBe(304)
  }
}

async function listen(handler: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(handler)
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${port}`
}

/** Text that a proxy compresses where nothing forbids it: without this the tests would show nothing. */
const long = 'a,b,c\n'.repeat(10_000)

describe('behind Express with compression', () => {
  it('sends the first event at once, and files with their length and ranges', async () => {
    const azure = await openAzure()
    const app = express()
    app.use(compression({ threshold: 0 }))
    app.get('/own', (_, response) => void response.type('text/csv').send(long))
    app.use(toNodeHandler(azure.app satisfies Fetcher))
    const url = await listen(app)
    expect((await ask(`${url}/own`)).headers['content-encoding']).toBeDefined()
    await keepsItsPromises(url, azure)
  })
})

describeWith(['nginx'], 'behind nginx with gzip and its default buffering', (nginx) => {
  /** Starts nginx before a gateway. */
  async function open(types: string) {
    const azure = await openAzure()
    const { url: gateway, close } = await serveApp(azure.app)
    onTestFinished(close)
    const own = await listen((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end(long)
    })
    const folder = await freshFolder()
    const port = await freePort()
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  gzip on; gzip_proxied any; gzip_min_length 1; gzip_http_version 1.0; ${types}
  server {
    listen 127.0.0.1:${port};
    location /own { proxy_pass ${own}; }
    location / { proxy_pass ${gateway}; proxy_http_version 1.1; }
  }
}`,
    )
    const program = start(nginx, ['-p', folder, '-c', join(folder, 'nginx.conf')])
    onTestFinished(() => program.end('SIGTERM'))
    await listening(port)
    const url = `http://127.0.0.1:${port}`
    expect((await ask(`${url}/own`)).headers['content-encoding']).toBe('gzip')
    return { url, azure }
  }

  it('sends the first event at once, and files with their length and ranges', async () => {
    const { url, azure } = await open('')
    await keepsItsPromises(url, azure)
  })

  it('sends the first event at once and right ranges even if it compresses every type', async () => {
    // nginx does not know no-transform: with these types it compresses files and streams too.
    const { url, azure } = await open('gzip_types *;')
    await keepsItsPromises(url, azure, true)
  })
})

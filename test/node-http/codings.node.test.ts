/**
 * The same over sockets, where the fetch of the runtime undoes codings and leaves their header, and the dispatcher does
 * not: clients see no difference.
 */

import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { nodeRuntime } from '../../src/node.ts'
import type { AppOptions } from '../../src/options.ts'
import { type CodingOptions, coded, codings, type Encode } from '../fixtures/codings.ts'
import { type CitedFile, citedFiles, errorCode, json, responseRequest } from '../lib/harness.ts'
import { serveApp } from '../lib/served.ts'

const encoder =
  (encode: (bytes: Uint8Array) => Promise<Uint8Array>): Encode =>
  async (bytes) =>
    new Uint8Array(await encode(bytes))
const quickly = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 2 } }
const br = encoder((bytes) => promisify(zlib.brotliCompress)(bytes, quickly))
const zstd = encoder(promisify(zlib.zstdCompress))

const all: Readonly<Record<string, Encode>> = {
  ...codings,
  br,
  zstd,
  'gzip, br': async (bytes) => br(await (codings.gzip as Encode)(bytes)),
}
const known = Object.entries(all).map(([label, encode]) => ({ label, encode }))
const formats = known.filter(({ label }) => ['gzip', 'deflate', 'br', 'zstd'].includes(label))

async function open(
  transport: Partial<AppOptions>,
  coding: CodingOptions,
  options: Partial<AppOptions> = {},
) {
  const emulator = createEmulator()
  const upstream = await serveApp(coded(emulator, coding))
  onTestFinished(upstream.close)
  const app = createApp({
    ...transport,
    random: () => 0,
    retry: { attempts: 1 },
    links: 'rewrite',
    upstreams: [{ endpoint: upstream.url, credential: apiKey('a-secret-key') }],
    ...options,
  })
  const { url, close } = await serveApp(app)
  onTestFinished(close)
  return {
    ask: (path: string, init?: RequestInit) => fetch(url + path, init),
    async original({ container_id, file_id }: CitedFile) {
      const path = `/openai/v1/containers/${container_id}/files/${file_id}/content`
      return new Uint8Array(await (await emulator.request(path)).arrayBuffer())
    },
  }
}

type Opened = Awaited<ReturnType<typeof open>>

async function answered({ ask }: Opened, prompt: string): Promise<CitedFile> {
  const answer = await ask('/v1/responses', json(responseRequest(prompt)))
  const [file] = citedFiles(await answer.json())
  if (file === undefined) throw new Error(`nothing was cited for: ${prompt}`)
  return file
}

const contentOf = ({ container_id, file_id }: CitedFile) =>
  `/v1/containers/${container_id}/files/${file_id}/content`

const bytesOf = async (answer: Response) => new Uint8Array(await answer.arrayBuffer())

const isContent = ({ pathname }: URL) => pathname.endsWith('/content')

describe.each([
  ['the fetch of the runtime', {}],
  ["Node's own transport", nodeRuntime()],
])('over %s', (_, transport) => {
  it.each(known)('codings are undone on every path: $label', async (coding) => {
    const gateway = await open(transport, coding)
    const file = await answered(gateway, 'Save a 200 KB binary file.')
    const want = await gateway.original(file)
    for (const path of [`/files/${file.file_id}`, contentOf(file)]) {
      const answer = await gateway.ask(path)
      expect(answer.headers.get('content-encoding')).toBeNull()
      expect(answer.headers.get('content-length')).toBe('200000')
      expect(await bytesOf(answer)).toEqual(want)
    }
    const part = await gateway.ask(`/files/${file.file_id}`, { headers: { range: 'bytes=-10' } })
    expect([part.status, await bytesOf(part)]).toEqual([206, want.slice(-10)])
    const stream = json(responseRequest('Save "a.csv".', { stream: true }))
    const text = await (await gateway.ask('/v1/responses', stream)).text()
    expect(text).toMatch(/response\.completed/)
    expect(text).not.toContain('sandbox:')
    const models = await gateway.ask('/v1/models')
    expect(models.headers.get('content-encoding')).toBeNull()
    expect(await models.json()).toMatchObject({ object: 'list' })
  })

  it.each(formats)(
    'a coded file that was cut is never whole: $label',
    async ({ label, encode }) => {
      const cut = { label, encode, cut: (length: number) => length >> 1, of: isContent }
      const gateway = await open(transport, cut)
      for (const size of [500, 60_000, 300_000]) {
        const file = await answered(gateway, `Save a ${size} bytes binary file.`)
        for (const path of [`/files/${file.file_id}`, contentOf(file)]) {
          const answer = await gateway.ask(path)
          if (answer.ok) await expect(answer.arrayBuffer()).rejects.toThrow()
          else expect([answer.status, await errorCode(answer)]).toEqual([502, 'upstream_error'])
        }
      }
    },
  )

  it.each(formats)('a coded answer that was cut is never whole: $label', async (coding) => {
    const gateway = await open(transport, { ...coding, cut: (length) => length >> 1 })
    const answer = await gateway.ask('/v1/responses', json(responseRequest('Save "a.csv".')))
    expect(await errorCode(answer)).toBe('upstream_error')
    const models = await gateway.ask('/v1/models')
    if (models.ok) await expect(models.arrayBuffer()).rejects.toThrow()
    else expect(await errorCode(models)).toBe('upstream_error')
  })

  it('a part of a coded body is never a part of the file', async () => {
    const coding = { label: 'gzip', encode: codings.gzip as Encode, parts: true, of: isContent }
    const gateway = await open(transport, coding)
    const file = await answered(gateway, 'Save a 200 KB binary file.')
    const want = await gateway.original(file)
    const headers = { range: 'bytes=150000-150999' }
    const part = await gateway.ask(`/files/${file.file_id}`, { headers })
    expect([part.status, await bytesOf(part)]).toEqual([206, want.slice(150_000, 151_000)])
    const content = await gateway.ask(contentOf(file), { headers })
    expect([content.status, await bytesOf(content)]).toEqual([200, want])
  })

  it('a coded stream reaches the client event by event', async () => {
    const gzip = zlib.createGzip()
    const events = ['data: {"a":1}\n\n', 'data: {"a":2}\n\n']
    const upstream = await serveApp({
      fetch: () => {
        const body = new ReadableStream({
          start(controller) {
            gzip.on('data', (chunk) => controller.enqueue(new Uint8Array(chunk)))
            gzip.write(events[0])
            gzip.flush()
          },
        })
        const headers = { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }
        return new Response(body, { headers })
      },
    })
    onTestFinished(upstream.close)
    const { url, close } = await serveApp(
      createApp({
        ...transport,
        upstreams: [{ endpoint: upstream.url, credential: apiKey('a-secret-key') }],
      }),
    )
    onTestFinished(close)
    const { body } = await fetch(`${url}/v1/chat/completions`, json({ stream: true }))
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toBe(events[0])
    gzip.write(events[1])
    gzip.flush()
    expect((await reader?.read())?.value).toBe(events[1])
    await reader?.cancel()
  })
})

/**
 * An upstream that compresses its answers although the request did not ask for it. Clients get decoded bytes, or encoded
 * bytes with their Content-Encoding.
 */

import { describe, expect, it } from 'vitest'
import { memoryArchive } from '../../src/archives/memory.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import type { AppOptions } from '../../src/options.ts'
import { testSha256 } from '../archives/contract.ts'
import { type CodingOptions, coded, codings, compress } from '../fixtures/codings.ts'
import {
  type CitedFile,
  citedFiles,
  errorCode,
  json,
  openHarness,
  responseRequest,
  sha256,
} from '../lib/harness.ts'
import { unzip } from '../lib/unzip.ts'

const now = () => 1_790_000_000

/** A gateway before an upstream that encodes its answers. */
function open(coding: CodingOptions, options: Partial<AppOptions> = {}) {
  const emulator = createEmulator({ now })
  const coder = coded(emulator, coding)
  const harness = openHarness({
    now,
    upstreams: [
      {
        endpoint: 'http://emulator.localhost',
        credential: apiKey('a-secret-key'),
        fetch: async (input, init) => coder.fetch(new Request(input, init)),
      },
    ],
    ...options,
  })
  async function original({ container_id, file_id }: CitedFile): Promise<Uint8Array<ArrayBuffer>> {
    const path = `/openai/v1/containers/${container_id}/files/${file_id}/content`
    return new Uint8Array(await (await emulator.request(path)).arrayBuffer())
  }
  return { ...harness, emulator, original }
}

async function answered(gateway: ReturnType<typeof open>, prompt: string): Promise<CitedFile> {
  const answer = await gateway.ask('/v1/responses', json(responseRequest(prompt)))
  const [file] = citedFiles(await answer.json())
  if (file === undefined) throw new Error(`nothing was cited for: ${prompt}`)
  return file
}

const contentOf = ({ container_id, file_id }: CitedFile) =>
  `/v1/containers/${container_id}/files/${file_id}/content`

const bytesOf = async (answer: Response) => new Uint8Array(await answer.arrayBuffer())

const known = Object.entries(codings).map(([label, encode]) => ({ label, encode }))

describe.each(known)('an upstream that encodes with $label', (coding) => {
  it('has its answers parsed, recorded and linked', async () => {
    const gateway = open(coding)
    const answer = await gateway.ask('/v1/responses', json(responseRequest('Save "a.csv".')))
    expect(answer.headers.get('content-encoding')).toBeNull()
    const body = await bytesOf(answer)
    expect(answer.headers.get('content-length')).toBe(String(body.byteLength))
    const [file] = citedFiles(JSON.parse(new TextDecoder().decode(body)))
    expect(file).toMatchObject({ download_url: expect.stringContaining('/s/') })
    expect((await gateway.ask(`/files/${file?.file_id}`)).status).toBe(200)
  })

  it('has its streams rewritten', async () => {
    const gateway = open(coding, { links: 'rewrite' })
    const request = json(responseRequest('Save "a.csv".', { stream: true }))
    const answer = await gateway.ask('/v1/responses', request)
    expect(answer.headers.get('content-encoding')).toBeNull()
    const text = await answer.text()
    expect(text).toContain('event: response.completed')
    expect(text).toMatch(/\]\(http:\/\/127\.0\.0\.1:8787\/s\//)
    expect(text).not.toContain('sandbox:')
  })

  it.each([60_000, 100_000])('has files of %i bytes served decoded', async (size) => {
    const gateway = open(coding)
    const file = await answered(gateway, `Save a ${size} bytes binary file.`)
    const want = await gateway.original(file)
    for (const path of [`/files/${file.file_id}`, contentOf(file)]) {
      const answer = await gateway.ask(path)
      expect(answer.headers.get('content-encoding')).toBeNull()
      expect(answer.headers.get('etag') ?? '').not.toContain('coded')
      expect(await bytesOf(answer)).toEqual(want)
    }
    const [whole, head, part] = await Promise.all([
      gateway.ask(`/files/${file.file_id}`),
      gateway.ask(`/files/${file.file_id}`, { method: 'HEAD' }),
      gateway.ask(`/files/${file.file_id}`, { headers: { range: 'bytes=100-499' } }),
    ])
    for (const { headers } of [whole, head]) expect(headers.get('content-length')).toBe(`${size}`)
    expect(part.headers.get('content-range')).toBe(`bytes 100-499/${size}`)
    expect(await bytesOf(part)).toEqual(want.slice(100, 500))
  })

  it('has errors, lists and all other paths passed decoded', async () => {
    const gateway = open(coding)
    for (const path of ['/models', '/files', '/containers/cntr_none']) {
      const answer = await gateway.ask(`/v1${path}`)
      expect(answer.headers.get('content-encoding')).toBeNull()
      const want = await gateway.emulator.request(`/openai/v1${path}`)
      expect([answer.status, await answer.json()]).toEqual([want.status, await want.json()])
    }
    const head = await gateway.ask('/v1/models', { method: 'HEAD' })
    expect(head.headers.get('content-encoding')).toBeNull()
  })

  it('has files zipped and copied decoded', async () => {
    const archive = memoryArchive({ createSha256: testSha256, now })
    const gateway = open(coding, { archive })
    const file = await answered(gateway, 'Save a 100 KB binary file.')
    const want = await gateway.original(file)
    const zip = await bytesOf(await gateway.ask(`/containers/${file.container_id}/files.zip`))
    expect(unzip(zip).get(file.filename)).toEqual(want)
    await expect.poll(() => archive.get(`anyone/${file.file_id}`)).toBeDefined()
  })
})

describe('a range of an encoded body', () => {
  it('is never taken for a range of the file, and the whole file is requested', async () => {
    const gateway = open({ label: 'gzip', encode: compress('gzip'), parts: true })
    const file = await answered(gateway, 'Save a 200 KB binary file.')
    const want = await gateway.original(file)
    const headers = { range: 'bytes=150000-150999' }
    const part = await gateway.ask(`/files/${file.file_id}`, { headers })
    expect([part.status, await bytesOf(part)]).toEqual([206, want.slice(150_000, 151_000)])
    // The range of an SDK request is dropped, as an upstream may do.
    const content = await gateway.ask(contentOf(file), { headers })
    expect([content.status, content.headers.get('content-range')]).toEqual([200, null])
    expect(await bytesOf(content)).toEqual(want)
  })
})

describe('a truncated encoded body', () => {
  const cut = { label: 'gzip', encode: compress('gzip'), cut: (length: number) => length >> 1 }
  const isContent = ({ pathname }: URL) => pathname.endsWith('/content')

  it.each([1000, 60_000, 300_000])('is never a complete file of %i bytes', async (size) => {
    const gateway = open({ ...cut, of: isContent }, { random: () => 0 })
    const file = await answered(gateway, `Save a ${size} bytes binary file.`)
    for (const path of [`/files/${file.file_id}`, contentOf(file)]) {
      const answer = await gateway.ask(path)
      if (answer.ok) await expect(answer.arrayBuffer()).rejects.toThrow()
      else expect([answer.status, await errorCode(answer)]).toEqual([502, 'upstream_error'])
    }
  })

  it.each(['/v1/responses', '/v1/embeddings', '/v1/chat/completions'])(
    'is never a complete answer of %s',
    async (path) => {
      const gateway = open(cut)
      for (const stream of [false, true]) {
        const request = { ...responseRequest('Save "a.csv".'), messages: [], stream }
        const answer = await gateway.ask(path, json(request))
        if (answer.ok) await expect(answer.arrayBuffer()).rejects.toThrow()
        else expect(await errorCode(answer)).toMatch(/^upstream_(?:error|invalid)$/)
      }
    },
  )
})

describe('an unknown coding', () => {
  const unknown = { label: 'made-up', encode: async (bytes: Uint8Array<ArrayBuffer>) => bytes }

  it('passes with its header, and makes a file unreadable', async () => {
    const gateway = open({ ...unknown, of: ({ pathname }) => !pathname.endsWith('/responses') })
    const file = await answered(gateway, 'Save "a.csv".')
    const passed = await gateway.ask('/v1/models')
    expect(passed.headers.get('content-encoding')).toBe('made-up')
    expect(await passed.json()).toMatchObject({ object: 'list' })
    const content = await gateway.ask(contentOf(file))
    expect(content.headers.get('content-encoding')).toBe('made-up')
    const refused = await gateway.ask(`/files/${file.file_id}`)
    expect(refused.status).toBe(502)
    const message =
      'The upstream sent the file in the content coding made-up, although cfile asked for none.'
    expect(await refused.json()).toMatchObject({ error: { code: 'upstream_invalid', message } })
  })

  it('keeps its header when only an outer coding was decoded', async () => {
    const gateway = open({ ...unknown, label: 'made-up, gzip', encode: compress('gzip') })
    const passed = await gateway.ask('/v1/models')
    expect(passed.headers.get('content-encoding')).toBe('made-up')
    expect(await passed.json()).toMatchObject({ object: 'list' })
  })
})

describe('a body that grows without limit when it is decoded', () => {
  // One megabyte of it is one kilobyte on the wire.
  const bomb = compress('gzip')(new Uint8Array(20_000_000))
  const grow = () => bomb

  it('is limited by the largest file', async () => {
    const isContent = ({ pathname }: URL) => pathname.endsWith('/content')
    const coding = { label: 'gzip', encode: grow, of: isContent }
    const gateway = open(coding, { maxFileBytes: 1_000_000 })
    const file = await answered(gateway, 'Save "a.csv".')
    const answer = await gateway.ask(contentOf(file))
    if (answer.ok) await expect(answer.arrayBuffer()).rejects.toThrow()
    else expect(await errorCode(answer)).toBe('file_too_large')
    const refused = await gateway.ask(`/files/${file.file_id}`)
    expect([refused.status, await errorCode(refused)]).toEqual([502, 'upstream_invalid'])
  })

  it('is not buffered beyond the largest body', async () => {
    const gateway = open({ label: 'gzip', encode: grow }, { maxBodyBytes: 100_000 })
    const answer = await gateway.ask('/v1/responses', json(responseRequest('hi')))
    const reader = answer.body?.getReader()
    for (let bytes = 0; bytes < 1_000_000; ) bytes += (await reader?.read())?.value?.byteLength ?? 0
    await reader?.cancel()
  })
})

describe('an encoded file', () => {
  it('is the same whether the file itself is compressed or not', async () => {
    const gateway = open({
      label: 'gzip',
      encode: async (bytes) => compress('gzip')(await compress('gzip')(bytes)),
      of: ({ pathname }) => pathname.endsWith('/content'),
    })
    const file = await answered(gateway, 'Save "a.gz".')
    const want = await compress('gzip')(await gateway.original(file))
    const passed = await bytesOf(await gateway.ask(contentOf(file)))
    expect(await sha256(passed.buffer)).toBe(await sha256(want.buffer))
  })
})

/**
 * A download is the same from Azure and from the archive, so that a client can continue with either what it began with
 * the other.
 */

import { beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { memoryArchive } from '../../src/archives/memory.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { parseSigningKeys } from '../../src/core/links/keys.ts'
import type { AppOptions } from '../../src/options.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { testSha256 } from '../archives/contract.ts'
import { citedFiles, json, openHarness, responseRequest } from '../lib/harness.ts'
import { followWork } from '../lib/work.ts'

const now = () => 1_790_000_000
const prompts = {
  'a table': 'Save sales.csv.',
  'a picture': 'Draw a chart.',
  'a document': 'Save a PDF.',
  'a web page': 'Make a web page.',
  'a drawing': 'Save an SVG.',
  'a name in another script': 'Save "Übersicht – März.csv".',
  'no known type': 'Save a 70 KB binary file.',
}
type Kind = keyof typeof prompts

interface File {
  readonly path: string
  /** Path and query of a signed link. */
  readonly link: string
}

/** Two gateways with the same records and the same Azure. One has an archive with copies of all cited files. */
async function openPair(more: Partial<AppOptions> = {}) {
  const { waitUntil, settle } = followWork()
  const store = memoryStore({ now })
  const signingKeys = parseSigningKeys(`k:${'s'.repeat(32)}`)
  const plain = openHarness({ store, signingKeys })
  const upstream = {
    endpoint: 'http://emulator.localhost',
    credential: apiKey('a-secret-key'),
    fetch: async (input: string | URL | Request, init?: RequestInit) =>
      plain.emulator.fetch(new Request(input, init)),
  }
  const archive = memoryArchive({ createSha256: testSha256, now })
  const options = { store, signingKeys, now, archive, waitUntil, upstreams: [upstream], ...more }
  const archived = createApp(options)
  return {
    plain,
    ask: {
      azure: plain.ask,
      archive: async (path: string, init?: RequestInit) => archived.request(path, init),
    },
    async file(prompt: string): Promise<File> {
      const request = json(responseRequest(prompt))
      const answer = await (await archived.request('/openai/v1/responses', request)).json()
      const { file_id } = citedFiles(answer).at(-1) ?? {}
      await settle()
      const linked = await archived.request('/links', json({ file_id }))
      const { download_url } = (await linked.json()) as { download_url: string }
      const { pathname, search } = new URL(download_url)
      return { path: `/files/${file_id}`, link: pathname + search }
    },
  }
}

const hash = async (bytes: ArrayBuffer) => {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return `sha-256=:${btoa(String.fromCharCode(...digest))}:`
}

// Ids and times differ between requests, and only the archive knows the digest.
const apart = ['x-request-id', 'apim-request-id', 'repr-digest', 'server-timing']

async function seen(answer: Response) {
  const headers = [...answer.headers].filter(([name]) => !apart.includes(name))
  const bytes = await answer.arrayBuffer()
  return { status: answer.status, headers: Object.fromEntries(headers), body: await hash(bytes) }
}

describe('a download from the archive', () => {
  let pair: Awaited<ReturnType<typeof openPair>>
  const files = new Map<Kind, File>()
  beforeAll(async () => {
    pair = await openPair()
    for (const [kind, prompt] of Object.entries(prompts)) {
      files.set(kind as Kind, await pair.file(prompt))
    }
  })

  const etagOf = async ({ path }: File) =>
    (await pair.ask.azure(path, { method: 'HEAD' })).headers.get('etag') ?? ''

  /** Every route of a download, for any file. */
  const ways: Record<string, (etag: string) => RequestInit> = {
    GET: () => ({}),
    HEAD: () => ({ method: 'HEAD' }),
    'a range': () => ({ headers: { range: 'bytes=3-9' } }),
    'the end': () => ({ headers: { range: 'bytes=-5' } }),
    'the rest': () => ({ headers: { range: 'bytes=4-' } }),
    'several ranges': () => ({ headers: { range: 'bytes=0-1,4-5' } }),
    'a HEAD with a range': () => ({ method: 'HEAD', headers: { range: 'bytes=3-9' } }),
    'a range of this file': (etag) => ({ headers: { range: 'bytes=3-9', 'if-range': etag } }),
    'a range of another': () => ({ headers: { range: 'bytes=3-9', 'if-range': '"other"' } }),
    'what it has': (etag) => ({ headers: { 'if-none-match': etag } }),
    'what it has, weakly': (etag) => ({ headers: { 'if-none-match': `"x", W/${etag}` } }),
    'a HEAD of what it has': (etag) => ({ method: 'HEAD', headers: { 'if-none-match': etag } }),
    'what it has not': () => ({ headers: { 'if-none-match': '"other"' } }),
  }

  it.each(Object.keys(prompts) as Kind[])(
    'has the headers of a download from Azure: %s',
    async (kind) => {
      const file = files.get(kind) as File
      const etag = await etagOf(file)
      for (const [way, init] of Object.entries(ways)) {
        for (const path of [file.path, file.link, `${file.path}?disposition=inline`]) {
          const fromAzure = await seen(await pair.ask.azure(path, init(etag)))
          await pair.plain.requests()
          const fromArchive = await seen(await pair.ask.archive(path, init(etag)))
          expect(fromArchive, `${way} ${path}`).toEqual(fromAzure)
          // Checks that it came from the archive.
          expect(await pair.plain.requests()).toEqual([])
        }
      }
    },
  )

  it('has all headers of a download and the digest of the whole file', async () => {
    const { path, link } = files.get('a table') as File
    const whole = await pair.ask.archive(path)
    const digest = whole.headers.get('repr-digest')
    const bytes = await whole.arrayBuffer()
    expect(digest).toBe(await hash(bytes))
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="sales.csv"; filename*=UTF-8\'\'sales.csv',
      'content-length': String(bytes.byteLength),
      'accept-ranges': 'bytes',
      etag: expect.stringMatching(/^"[^"]+"$/),
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'cache-control': 'private, no-store, no-transform',
      'x-request-id': expect.any(String),
    })
    const part = await pair.ask.archive(link, { headers: { range: 'bytes=1-2' } })
    expect(part.headers.get('cross-origin-resource-policy')).toBe('cross-origin')
    expect(part.headers.get('content-range')).toBe(`bytes 1-2/${bytes.byteLength}`)
    // RFC 9530: the digest of the representation, for ranges too.
    expect(part.headers.get('repr-digest')).toBe(digest)
    const head = await pair.ask.archive(path, { method: 'HEAD' })
    expect(head.headers.get('repr-digest')).toBe(digest)
  })

  it('is refused in the same way for a range outside of the file and for another ETag', async () => {
    const { path } = files.get('a table') as File
    const refused: Record<string, string>[] = [
      { range: 'bytes=9999999-' },
      { 'if-match': '"other"' },
    ]
    for (const headers of refused) {
      const answers = [
        await pair.ask.azure(path, { headers }),
        await pair.ask.archive(path, { headers }),
      ]
      const [azure, archive] = await Promise.all(
        answers.map(async (answer) => ({
          status: answer.status,
          range: answer.headers.get('content-range'),
          code: ((await answer.json()) as { error: { code: string } }).error.code,
        })),
      )
      expect(archive).toEqual(azure)
    }
  })
})

describe('a content type of Azure', () => {
  it.each(['text/csv', 'application/vnd.ms-excel', 'TEXT/PLAIN;charset=latin1', 'a/b/c'])(
    'stays with the copy: %s',
    async (type) => {
      const pair = await openPair()
      const match = { path: '/content' }
      await pair.plain.fault({ match, times: 9, headers: { 'content-type': type } })
      const { path } = await pair.file('Save notes.xyz.')
      const [azure, archive] = await Promise.all([
        seen(await pair.ask.azure(path)),
        seen(await pair.ask.archive(path)),
      ])
      expect(archive).toEqual(azure)
    },
  )
})

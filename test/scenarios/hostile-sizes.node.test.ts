/**
 * Things without measure: deep and wide JSON, compressed bodies that grow, events without end, a thousand ranges, ten
 * thousand files. Each has its expected answer, and other clients are served meanwhile.
 */

import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { nodeRuntime } from '../../src/node.ts'
import type { AppOptions } from '../../src/options.ts'
import { openArchived } from '../lib/archived.ts'
import { openCallers } from '../lib/callers.ts'
import { errorCode, json, openHarness, responseRequest } from '../lib/harness.ts'
import { serveApp } from '../lib/served.ts'
import { unzip } from '../lib/unzip.ts'
import { listen } from '../lib/upstream.ts'

declare const __LONG__: boolean

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

type Upstream = Parameters<typeof listen>[0]

/** A gateway on a socket before an upstream with scripted answers. */
async function openBefore(answer: Upstream, options: Partial<AppOptions> = {}): Promise<string> {
  const upstream = await listen(answer)
  const upstreams = [{ endpoint: upstream.url, credential: apiKey('key') }]
  const gateway = await serveApp(createApp({ upstreams, ...nodeRuntime(), ...options }))
  closers.push(upstream.close, gateway.close)
  return gateway.url
}

/** Awaits a result while asking `/healthz`. Returns it with the longest answer in milliseconds. */
async function whileHealthy<T>(url: string, work: Promise<T>): Promise<[T, longest: number]> {
  let isOver = false
  let longest = 0
  const asking = (async () => {
    while (!isOver) {
      const began = performance.now()
      await (await fetch(`${url}/healthz`)).text()
      longest = Math.max(longest, performance.now() - began)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  })()
  const result = await work.finally(() => {
    isOver = true
  })
  await asking
  return [result, longest]
}

const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
const list = (count: number, item: string) => `[${Array(count).fill(item).join()}]`
const citing = (more: string) =>
  `{"object":"response","id":"resp_1","output":[],"metadata":${more}}`

const endless = (__LONG__ ? 150 : 10) * 1024 ** 2
// Milliseconds. Generous, as the machine may do much else.
const mostPause = 5000

/** Posted to `/captures`. */
const posted: Readonly<Record<string, readonly [body: string, status: number]>> = {
  '100,000 lists in each other': [citing(deep(100_000)), 400],
  '100,000 objects in each other': [
    citing(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
    400,
  ],
  'a list that is never closed': [citing('['.repeat(1_000_000)), 400],
  'a million numbers': [citing(list(1_000_000, '1')), 200],
  'a million empty objects': [citing(list(1_000_000, '{}')), 200],
  'a string of a million backslashes': [citing(`"${'\\\\'.repeat(1_000_000)}"`), 200],
  'a number of a million digits': [citing('9'.repeat(1_000_000)), 200],
}

describe('JSON without measure', () => {
  it.each(Object.entries(posted))(
    'of %s is answered, and so are others',
    async (_, [body, status]) => {
      const url = await openBefore((_, response) => response.end('{}'))
      const headers = { 'content-type': 'application/json' }
      const pending = fetch(`${url}/captures`, { method: 'POST', headers, body })
      const [answer, longest] = await whileHealthy(url, pending)
      expect([answer.status, (await answer.text()).slice(0, 300)]).toEqual([
        status,
        expect.anything(),
      ])
      expect(longest).toBeLessThan(mostPause)
    },
  )

  it.each([
    ['deep', citing(deep(100_000))],
    ['wide', citing(list(1_000_000, '{"a":1}'))],
  ])('in an answer of Azure passes byte for byte: %s', async (_, body) => {
    const url = await openBefore((_, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(body)
    })
    const pending = fetch(`${url}/openai/v1/responses`, json(responseRequest('x')))
    const [text, longest] = await whileHealthy(
      url,
      pending.then((answer) => answer.text()),
    )
    expect(text === body).toBe(true)
    expect(longest).toBeLessThan(mostPause)
  })
})

describe('a request body that names things', () => {
  it.each([
    ['deep', `{"input":${deep(100_000)}}`],
    [
      'wide',
      `{"input":[${Array.from({ length: 2000 }, (_, at) => `{"type":"input_file","file_id":"file-${at}"}`)}]}`,
    ],
    ['not closed', `{"input":${'['.repeat(1_000_000)}`],
  ])('is refused before it is sent to Azure where it is %s', async (_, body) => {
    const gateway = openCallers()
    const headers = { 'content-type': 'application/json' }
    const answer = await gateway
      .as('ann')
      .ask('/openai/v1/responses', { method: 'POST', headers, body })
    expect([answer.status, await errorCode(answer)]).toEqual([400, 'invalid_request'])
    expect(await gateway.requests()).toEqual([])
  })
})

describe('a body that grows when it is decoded', () => {
  const bomb = gzipSync(Buffer.alloc(200 * 1024 ** 2))

  it('is never decoded when a client sends it', async () => {
    const url = await openBefore((_, response) => response.end('{}'))
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    const before = process.memoryUsage.rss()
    const answer = await fetch(`${url}/captures`, { method: 'POST', headers, body: bomb })
    expect(answer.status).toBe(400)
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 ** 2)
  })

  it('is cut at the largest file when Azure sends it', async () => {
    const url = await openBefore(
      (request, response) => {
        const isContent = request.url?.endsWith('/content')
        response.setHeader('content-type', isContent ? 'text/csv' : 'application/json')
        if (isContent) response.setHeader('content-encoding', 'gzip').end(bomb)
        else response.end('{"id":"cfile_1","path":"/mnt/data/a.csv","source":"assistant"}')
      },
      { maxFileBytes: 10_000_000 },
    )
    const answer = await fetch(`${url}/files/cfile_1?container_id=cntr_1`)
    const got = await answer.arrayBuffer().then(
      ({ byteLength }) => byteLength,
      () => 'broken',
    )
    expect([answer.status, got]).toEqual([200, 'broken'])
  })
})

describe('a stream without end', () => {
  it.each([
    ['one event', 'x'.repeat(65_536)],
    ['comments', `: ${'x'.repeat(200)}\n\n`.repeat(300)],
    ['events that cite nothing', 'data: {"type":"response.in_progress"}\n\n'.repeat(2000)],
  ])(
    'of %s is read no faster than its client reads, and ends when the client leaves',
    async (_, piece) => {
      let isLeft = false
      let sent = 0
      const url = await openBefore((_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('data: ')
        const fill = () => {
          while (!isLeft) {
            sent += piece.length
            if (!response.write(piece)) return response.once('drain', fill)
          }
          return undefined
        }
        response.on('close', () => {
          isLeft = true
        })
        fill()
      })
      const request = json(responseRequest('x', { stream: true }))
      const answer = await fetch(`${url}/openai/v1/responses`, request)
      const reader = answer.body?.getReader()
      let bytes = 0
      while (bytes < endless) bytes += (await reader?.read())?.value?.byteLength ?? Infinity
      await new Promise((resolve) => setTimeout(resolve, 1000))
      // Events of up to 64 MiB are read whole.
      expect(sent - bytes).toBeLessThan(80 * 1024 ** 2)
      await reader?.cancel()
      await expect.poll(() => isLeft, { timeout: 10_000 }).toBe(true)
    },
  )
})

describe('a thousand ranges', () => {
  const ranges: Readonly<Record<string, string>> = {
    'of one byte each': Array.from({ length: 1000 }, (_, at) => `${at * 2}-${at * 2}`).join(),
    'that overlap': Array(1000).fill('0-').join(),
    'from the end': Array.from({ length: 1000 }, (_, at) => `-${at + 1}`).join(),
  }

  it.each(Object.entries(ranges))('%s get the whole file once', async (_, range) => {
    const gateway = openArchived()
    const [file] = await gateway.respond('Save a 1 MB binary file')
    await gateway.settled()
    for (const [path, isArchived] of [
      [`/files/${file?.file_id}`, true],
      [`/openai/v1/containers/${file?.container_id}/files/${file?.file_id}/content`, false],
    ] as const) {
      await gateway.requests()
      const answer = await gateway.ask(path, { headers: { range: `bytes=${range}` } })
      expect([answer.status, (await answer.arrayBuffer()).byteLength], path).toEqual([
        200, 1_000_000,
      ])
      if (isArchived) expect(await gateway.requests()).toEqual([])
    }
  })
})

describe('a container of 10,000 files', () => {
  it('becomes a zip with each of them', async () => {
    const row = (index: number) => ({
      id: `cfile_${index}`,
      object: 'container.file',
      container_id: 'cntr_1',
      path: `/mnt/data/file ${index}.txt`,
      bytes: 5,
      created_at: 1_790_000_000,
      source: 'assistant',
    })
    const fetchFile = async (input: RequestInfo | URL): Promise<Response> => {
      const { pathname, searchParams } = new URL(input instanceof Request ? input.url : input)
      const [, content] = /cfile_(\d+)\/content$/.exec(pathname) ?? []
      if (content !== undefined) return new Response(content.padStart(5, '0'))
      if (!pathname.endsWith('/files')) return Response.json({ id: 'cntr_1', object: 'container' })
      const from = 1 + Number(/\d+/.exec(searchParams.get('after') ?? '') ?? -1)
      const data = Array.from({ length: Math.min(100, 10_000 - from) }, (_, at) => row(from + at))
      return Response.json({ object: 'list', data, has_more: from + 100 < 10_000 })
    }
    const endpoint = 'http://emulator.localhost'
    const gateway = openHarness({
      upstreams: [{ endpoint, credential: apiKey('key'), fetch: fetchFile }],
    })
    const answer = await gateway.ask('/containers/cntr_1/files.zip')
    expect(answer.status).toBe(200)
    const files = unzip(new Uint8Array(await answer.arrayBuffer()))
    expect(files.size).toBe(10_000)
    expect(new TextDecoder().decode(files.get('file 9999.txt'))).toBe('09999')
  })
})

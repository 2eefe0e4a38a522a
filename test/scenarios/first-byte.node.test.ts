/**
 * An upstream that sends its headers and no body: the client gets an error with a code, not a broken connection.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, it, type TestContext } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { nodeRuntime } from '../../src/node.ts'
import { containerId, tableId } from '../fixtures/ids.ts'
import { errorCode, json, responseRequest } from '../lib/harness.ts'
import { serveApp } from '../lib/served.ts'
import { listen } from '../lib/upstream.ts'

type Failure = 'closed' | 'reset' | 'silent'

const events = { 'content-type': 'text/event-stream' }

/** An upstream that describes one file of a given size, and fails after the headers of everything else. */
async function openUpstream(
  onTestFinished: TestContext['onTestFinished'],
  bytes: number,
  failure: Failure,
): Promise<string> {
  const row = { id: tableId, path: '/mnt/data/a.csv', bytes, source: 'assistant', created_at: 1 }
  const described: Record<string, unknown> = {
    [`/containers/${containerId}`]: { id: containerId, status: 'running' },
    [`/containers/${containerId}/files`]: { data: [row], has_more: false },
    [`/containers/${containerId}/files/${tableId}`]: row,
  }
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname } = new URL(request.url ?? '', 'http://upstream')
    const body = described[pathname.replace('/openai/v1', '')]
    request.resume()
    if (body !== undefined) {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
      return
    }
    const isContent = pathname.endsWith('/content')
    response.writeHead(200, isContent ? { 'content-length': bytes } : headersOf(pathname))
    response.flushHeaders()
    if (failure === 'closed') setTimeout(() => response.socket?.end(), 5)
    if (failure === 'reset') setTimeout(() => response.socket?.resetAndDestroy(), 5)
  }
  const { url, close } = await listen(answer)
  onTestFinished(close)
  return url
}

function headersOf(pathname: string): Record<string, string> {
  if (pathname.endsWith('/speech')) return { 'content-type': 'audio/mpeg' }
  if (pathname.endsWith('/embeddings')) return { 'content-type': 'application/json' }
  return events
}

const file = `/containers/${containerId}/files/${tableId}`
const stream = json(responseRequest('hi', { stream: true }))
const requests: [name: string, path: string, init?: RequestInit][] = [
  ['a file', file],
  ['a part of a file', file, { headers: { range: 'bytes=2-5' } }],
  ['a zip', `/containers/${containerId}/files.zip`],
  ['the content of a file by an SDK', `/openai/v1${file}/content`],
  ['a stream', '/openai/v1/responses', stream],
  ['a stream of another path', '/v1/chat/completions', stream],
  ['JSON of another path', '/v1/embeddings', json({ input: 'a' })],
  ['audio', '/v1/audio/speech', json({ input: 'a' })],
]

const failures: readonly [Failure, status: number, code: string][] = [
  ['closed', 502, 'upstream_error'],
  ['reset', 502, 'upstream_error'],
  ['silent', 504, 'upstream_timeout'],
]

async function openGateway(
  onTestFinished: TestContext['onTestFinished'],
  transport: object,
  endpoint: string,
  failure: Failure,
): Promise<string> {
  const limit = failure === 'silent' ? 150 : 30_000
  const app = createApp({
    ...transport,
    random: () => 0,
    idleTimeoutMs: limit,
    streamIdleTimeoutMs: limit,
    upstreamTimeoutMs: 30_000,
    generationTimeoutMs: failure === 'silent' ? 2000 : limit,
    retry: { attempts: 1 },
    upstreams: [{ endpoint, credential: apiKey('a-secret-key') }],
  })
  const { url, close } = await serveApp(app)
  onTestFinished(close)
  return url
}

describe.concurrent.each([
  ['the fetch of the runtime', {}],
  ["Node's own transport", nodeRuntime()],
])('over %s', (_, transport) => {
  it.for([10, 60_000, 5_000_000])(
    'a body that fails before its first byte is answered with an error code, for files of %i bytes',
    async (bytes, { expect, onTestFinished }) => {
      for (const [failure, status, code] of failures) {
        const url = await openGateway(
          onTestFinished,
          transport,
          await openUpstream(onTestFinished, bytes, failure),
          failure,
        )
        await Promise.all(
          requests.map(async ([name, path, init]) => {
            const answer = await fetch(url + path, init)
            const result = [name, failure, answer.status, await errorCode(answer)]
            expect(result).toEqual([name, failure, status, code])
          }),
        )
      }
    },
  )
})

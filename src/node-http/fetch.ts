/**
 * A `fetch` for Node on undici's dispatcher. Node's own `fetch` loses half of its throughput to web streams and promises.
 *
 * @module
 */

import { Duplex, Readable } from 'node:stream'
import * as zlib from 'node:zlib'
import type { Agent, Dispatcher } from 'undici'
import {
  type CreateDecoder,
  createWebDecoder,
  type Decoder,
  decodeAnswer,
} from '../core/http/content-coding.ts'
import type { WaitSignal } from '../core/time.ts'
import { ReaderResponse } from './answer.ts'
import { type ByteQueue, createByteQueue, createInflow, type Inflow } from './byte-queue.ts'
import { PlainHeaders } from './headers.ts'

/** Options of {@link createDispatchFetch}. */
interface DispatchFetchOptions {
  /** Sends the requests that the dispatcher can't: those that follow redirects, or whose body is a form. */
  readonly fetch: typeof fetch
  /** Connections to one upstream. @default no limit */
  readonly connections?: number
}

/** A `fetch` that keeps its connections. */
interface DispatchFetch {
  readonly fetch: typeof fetch
  close(): Promise<void>
}

/** Makes a `fetch` that follows no redirects. */
export function createDispatchFetch({ fetch, connections }: DispatchFetchOptions): DispatchFetch {
  const inflow = createInflow()
  let opening: Promise<Agent> | undefined
  // Loaded when it is first needed, so that the start of a process does not wait for it.
  const open = async (): Promise<Agent> => {
    const { Agent } = await import('undici')
    return new Agent({
      connections: connections ?? null,
      pipelining: 1,
      allowH2: false,
      // Azure's front doors close idle connections after two to four minutes.
      keepAliveTimeout: 60_000,
      // The gateway has limits of its own.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: 10_000, ...inflow.options },
    })
  }
  return {
    async fetch(input, init: FetchInit = {}) {
      const { body, redirect } = init
      if (input instanceof Request || !isPlain(body) || redirect !== 'manual') {
        return fetch(input, init)
      }
      opening ??= open()
      const url = input instanceof URL ? input : new URL(input)
      return dispatch({ agent: await opening, inflow }, url, init, body)
    },
    async close() {
      await (await opening)?.close()
    },
  }
}

/** What a request may bring in place of its signal, whose creation costs more than the time limit behind it. */
interface FetchInit extends RequestInit {
  readonly end?: WaitSignal
}

type PlainBody = string | Uint8Array<ArrayBuffer> | ReadableStream | null | undefined

/** The connections to the upstreams. */
interface Upstreams {
  readonly agent: Agent
  readonly inflow: Inflow
}

function dispatch(
  { agent, inflow }: Upstreams,
  url: URL,
  init: FetchInit,
  body: PlainBody,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', end = init.signal } = init
    if (end?.aborted) return reject(end.reason)
    const path = url.pathname + url.search
    const headers = headersOf(init.headers)
    const handler = createHandler({ method, signal: end ?? undefined, inflow }, resolve, reject)
    agent.dispatch(
      { origin: url.origin, path, method, headers, body: body && toNodeBody(body) },
      handler,
    )
  })
}

// Statuses without a body (the Fetch standard's "null body status").
const bodiless = [204, 205, 304]

interface Handled {
  readonly method: string
  readonly signal: WaitSignal | undefined
  readonly inflow: Inflow
}

function createHandler(
  { method, signal, inflow }: Handled,
  resolve: (response: Response) => void,
  reject: (error: unknown) => void,
): Dispatcher.DispatchHandler {
  let controller: Dispatcher.DispatchController | undefined
  let queue: ByteQueue | undefined
  const abort = (): void => {
    // Without an answer the caller must not wait until the connection is made.
    if (queue === undefined) reject(signal?.reason)
    controller?.abort(toError(signal?.reason))
  }
  signal?.addEventListener('abort', abort, { once: true })
  return {
    onRequestStart(started) {
      controller = started
      if (signal?.aborted) started.abort(toError(signal.reason))
    },
    onResponseStart(started, status, headers, statusText) {
      if (status < 200) return
      const head = { status, statusText, headers: new PlainHeaders(headers) }
      if (method === 'HEAD' || bodiless.includes(status)) return resolve(new Response(null, head))
      queue = createByteQueue(inflow, (reason) => started.abort(toError(reason)))
      const answer = new ReaderResponse({ bytes: queue.bytes }, head)
      resolve(decodeAnswer(answer, { createDecoder: createNodeDecoder }))
    },
    onResponseData(_, chunk) {
      // A resumed connection gives an empty chunk first.
      if (chunk.byteLength > 0) queue?.write(chunk)
    },
    onResponseEnd() {
      signal?.removeEventListener('abort', abort)
      queue?.end()
    },
    onResponseError(_, error) {
      signal?.removeEventListener('abort', abort)
      const failure = signal?.aborted ? signal.reason : error
      if (queue === undefined) reject(failure)
      else queue.end(failure)
    },
  }
}

/** The reason for an abort, which can be any value, as an error. */
function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The body is not wanted any more.')
}

function headersOf(headers: RequestInit['headers'] = {}): Record<string, string> {
  const isPlain = !(Symbol.iterator in headers)
  return {
    'user-agent': 'cfile',
    ...(isPlain ? headers : Object.fromEntries(new Headers(headers))),
  }
}

/** Whether the dispatcher can send the body. */
function isPlain(body: RequestInit['body']): body is PlainBody {
  return (
    body === null ||
    body === undefined ||
    typeof body === 'string' ||
    body instanceof Uint8Array ||
    body instanceof ReadableStream
  )
}

function toNodeBody(body: string | Uint8Array | ReadableStream): string | Uint8Array | Readable {
  if (!(body instanceof ReadableStream)) return body
  // An error before the dispatcher listens would end the process.
  return Readable.fromWeb(body as never).on('error', () => {})
}

/** Makes a decoder for any format. */
const createNodeDecoder: CreateDecoder = (format) => {
  if (format === 'brotli') return toDecoder(zlib.createBrotliDecompress())
  // Node has it since 22.15.
  if (format === 'zstd') return zlib.createZstdDecompress && toDecoder(zlib.createZstdDecompress())
  return createWebDecoder(format)
}

function toDecoder(decompress: Duplex): Decoder {
  return Duplex.toWeb(decompress) as Decoder
}

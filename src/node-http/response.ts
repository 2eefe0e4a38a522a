/**
 * An answer over something that is no web stream: one is made of it only where somebody asks for one.
 *
 * @module
 */

import type { Bodied, ByteReader } from '../core/bytes/reader.ts'
import { type RawBody, toWebStream } from './raw-body.ts'

/** What can lie under an answer: what a socket pushes, or what is read piece by piece. */
export type Under = RawBody | ByteReader

/** Whether it is pushed. */
export function isRaw(under: Under): under is RawBody {
  return 'flow' in under
}

const unders = new WeakMap<ReadableStream, Under>()

/** What lies under an answer, or under its stream while nobody reads that; `undefined` for any other answer. */
export function underOf(answer: Bodied): Under | undefined {
  if (answer instanceof LazyResponse && answer.isUnread()) return answer.under
  const { body } = answer
  return body === null || body.locked ? undefined : unders.get(body)
}

/** How an answer begins. */
export interface Head {
  readonly status: number
  readonly statusText?: string
  readonly headers: Headers
}

// A host may have put another class in its place, as @hono/node-server does; that one answers from what it was made with.
const NativeResponse = Response.error().constructor as typeof Response

/** An answer like any other; its headers are the very ones that were given. */
export class LazyResponse extends NativeResponse {
  readonly under: Under
  readonly #headers: Headers
  readonly #toStream: () => ReadableStream<Uint8Array>
  #stream: ReadableStream<Uint8Array<ArrayBuffer>> | undefined

  constructor(under: Under, toStream: () => ReadableStream<Uint8Array>, head: Head) {
    super(null, { status: head.status, statusText: head.statusText })
    this.under = under
    this.#toStream = toStream
    this.#headers = head.headers
  }

  /** Whether no stream was made of it yet. */
  isUnread(): boolean {
    return this.#stream === undefined
  }

  override get headers(): Headers {
    return this.#headers
  }

  override get body(): ReadableStream<Uint8Array<ArrayBuffer>> {
    if (this.#stream === undefined) {
      this.#stream = this.#toStream() as ReadableStream<Uint8Array<ArrayBuffer>>
      unders.set(this.#stream, this.under)
    }
    return this.#stream
  }

  override get bodyUsed(): boolean {
    return this.#stream?.locked ?? false
  }

  override clone(): Response {
    const [one, other] = this.body.tee()
    this.#stream = one as ReadableStream<Uint8Array<ArrayBuffer>>
    return new Response(other, this)
  }

  override arrayBuffer(): Promise<ArrayBuffer> {
    return new Response(this.body).arrayBuffer()
  }

  override blob(): Promise<Blob> {
    return new Response(this.body, this).blob()
  }

  override bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return new Response(this.body).bytes()
  }

  override formData(): Promise<FormData> {
    return new Response(this.body, this).formData()
  }

  override json(): Promise<unknown> {
    return new Response(this.body).json()
  }

  override text(): Promise<string> {
    return new Response(this.body).text()
  }
}

/** An answer of what a socket pushes. */
export function rawResponse(body: RawBody, head: Head): Response {
  return new LazyResponse(body, () => toWebStream(body), head)
}

/**
 * Answers on Node: their bytes go from socket to socket. A web stream is made only if somebody asks for one.
 *
 * @module
 */

import {
  type ClientIdleLimit,
  type CreateCarrier,
  copied,
  createWebCarrier,
  toStream,
} from '../core/bytes/carrier.ts'
import { type Bodied, type ByteReader, type ReadBody, watchBytes } from '../core/bytes/reader.ts'
import { PlainHeaders } from './headers.ts'

/** The bytes of an answer, and how long its client may stand still. */
export interface Source {
  readonly bytes: ByteReader
  readonly limit?: ClientIdleLimit
}

const sourceKey = Symbol('source')

/** The bytes of an answer while no stream of them was read; `undefined` for an answer that is a stream. */
export function sourceOf(answer: Bodied): Source | undefined {
  if (answer instanceof ReaderResponse && !answer.isStream()) return answer.source
  const { body } = answer
  if (body === null || body.locked) return undefined
  return (body as { readonly [sourceKey]?: Source })[sourceKey]
}

/** Status and headers of an answer. */
export interface Head {
  readonly status: number
  readonly statusText?: string
  readonly headers: Headers
}

// A host may have replaced the global class, as @hono/node-server does.
const NativeResponse = Response.error().constructor as typeof Response

/**
 * An answer with a reader as its body. Hono, and the app that cfile is mounted in, take nothing but a `Response`, and the
 * stream of one costs as much as a tenth of a small download. So it is made only when it is asked for.
 */
export class ReaderResponse extends NativeResponse {
  readonly source: Source
  readonly #headers: Headers
  #standard?: Response

  constructor(source: Source, { status, statusText, headers }: Head) {
    super(null, { status, statusText })
    this.source = source
    // The given object, since to copy it costs more than the rest of the answer.
    this.#headers = headers
  }

  /** Whether somebody asked for the stream. */
  isStream(): boolean {
    return this.#standard !== undefined
  }

  #toStandard(): Response {
    if (this.#standard === undefined) {
      const { status, source } = this
      // The server takes the bytes from the source, and then nobody reads the stream.
      const stream = toStream(copied(source.bytes), source.limit, false)
      Object.defineProperty(stream, sourceKey, { value: source })
      this.#standard = new NativeResponse(stream, { status, headers: this.#headers })
    }
    return this.#standard
  }

  override get headers(): Headers {
    return this.#headers
  }
  override get body(): Response['body'] {
    return this.#toStandard().body
  }
  override get bodyUsed(): boolean {
    return this.#standard?.bodyUsed ?? false
  }
  override clone(): Response {
    return this.#toStandard().clone()
  }
  override arrayBuffer(): Promise<ArrayBuffer> {
    return this.#toStandard().arrayBuffer()
  }
  override blob(): Promise<Blob> {
    return this.#toStandard().blob()
  }
  override bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#toStandard().bytes()
  }
  override formData(): Promise<FormData> {
    return this.#toStandard().formData()
  }
  override json(): Promise<unknown> {
    return this.#toStandard().json()
  }
  override text(): Promise<string> {
    return this.#toStandard().text()
  }
}

/** Makes the carrier of Node. */
export const createNodeCarrier: CreateCarrier = (limit) => {
  const web = createWebCarrier(limit)
  const read: ReadBody = (from) => sourceOf(from)?.bytes ?? web.read(from)
  return {
    ...web,
    stream: (bytes) => toStream(copied(bytes)),
    read,
    readAsItArrives: read,
    // A reader costs less than a copy of the bytes.
    mostWhole: 0,
    answer: (bytes, { status = 200, headers }) =>
      new ReaderResponse({ bytes, limit }, { status, headers: new PlainHeaders({ ...headers }) }),
    watch: (answer, watcher) =>
      new ReaderResponse({ bytes: watchBytes(read(answer), watcher), limit }, answer),
  }
}

/**
 * Content codings of answers (RFC 9110 §8.4). cfile asks upstreams for none, but a CDN or API Management in between may
 * compress an answer.
 *
 * @module
 */

import { concatBytes, parseJson, peekBody } from './body.ts'
import { isJsonType } from './content-type.ts'
import { bodyHeaders } from './proxied-headers.ts'

/** The formats of the codings. */
type CodingFormat = 'gzip' | 'deflate' | 'deflate-raw' | 'brotli' | 'zstd'

/** Decodes one body. */
export type Decoder = ReadableWritablePair<Uint8Array, Uint8Array<ArrayBuffer>>

/** Creates a decoder; `undefined` if the runtime does not support the format. */
export type CreateDecoder = (format: CodingFormat) => Decoder | undefined

/** Creates a decoder by the Compression Streams standard. */
export const createWebDecoder: CreateDecoder = (format) => {
  try {
    // Some runtimes support more formats than the type lists; others throw.
    return new DecompressionStream(format as CompressionFormat)
  } catch {
    return undefined
  }
}

/** Options of {@link decodeAnswer}. */
interface DecodeOptions {
  /** @default {@link createWebDecoder} */
  readonly createDecoder?: CreateDecoder
  /**
   * Whether the runtime's own `fetch` has already decoded the body although the header remains.
   *
   * @param codings value of the header
   * @default true, as in the Fetch standard
   */
  readonly fetchUndoes?: (codings: string) => boolean
}

/**
 * Decodes an answer as far as the runtime can, and corrects its `Content-Encoding`. A part (206) of a coded body cannot
 * be decoded and is returned unchanged.
 *
 * @param answer of the upstream, its body unread
 * @param options decoders of the runtime
 * @throws (in the body) the decoder's error for damaged data
 */
export function decodeAnswer(
  answer: Response,
  { createDecoder = createWebDecoder, fetchUndoes = () => true }: DecodeOptions = {},
): Response {
  const label = answer.headers.get('content-encoding')
  if (label === null || answer.status === 206) return answer
  // Only an answer of the runtime's own fetch has a URL.
  if (answer.url !== '' && fetchUndoes(label)) {
    return withBody(
      answer,
      isJsonType(answer.headers) ? answer.body?.pipeThrough(wholeJson()) : answer.body,
    )
  }
  const remaining = parseCodings(label)
  let body: ReadableStream<Uint8Array> | null = answer.body
  for (let last = remaining.at(-1); last !== undefined; last = remaining.at(-1)) {
    const choose = decoderFor(last, createDecoder)
    if (choose === undefined) break
    body = body && decode(body, choose)
    remaining.pop()
  }
  return withBody(answer, body, remaining)
}

// The limit of undici: each coding may multiply the bytes by a thousand.
const mostCodings = 5

/** The codings in the order in which they were applied. */
function parseCodings(label: string): string[] {
  const codings = label.split(',').map((coding) => coding.trim().toLowerCase())
  const applied = codings.filter((coding) => coding !== '' && coding !== 'identity')
  return applied.length > mostCodings ? [label] : applied
}

/**
 * The same answer with another body. Headers about the coded bytes are left out.
 *
 * @param remaining codings that the body still has
 */
function withBody(
  { status, statusText, headers }: Response,
  body: ReadableStream<Uint8Array> | null | undefined,
  remaining: readonly string[] = [],
): Response {
  const kept = new Headers(headers)
  kept.delete('content-encoding')
  for (const coding of remaining) kept.append('content-encoding', coding)
  for (const name of [...bodyHeaders, 'accept-ranges']) kept.delete(name)
  return new Response(body, { status, statusText, headers: kept })
}

/** Chooses a decoder by the first two bytes of a body; `undefined` if the body is not coded. */
type Choose = (first: Uint8Array) => Decoder | undefined

/** How to decode one coding; `undefined` if the runtime cannot. */
function decoderFor(coding: string, createDecoder: CreateDecoder): Choose | undefined {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      // A host's fetch may have decoded the body and copied the header to a new answer.
      return choosing('gzip', (gzip, first) => (isGzip(first) ? gzip : undefined))
    case 'deflate':
      // Some servers omit the zlib wrapper (RFC 9110 §8.4.1.2).
      return choosing('deflate', (zlib, first) =>
        isZlib(first) ? zlib : (createDecoder('deflate-raw') ?? zlib),
      )
    case 'br':
      return choosing('brotli', (brotli) => brotli)
    case 'zstd':
      return choosing('zstd', (zstd) => zstd)
    default:
      return undefined
  }

  function choosing(
    format: CodingFormat,
    choose: (decoder: Decoder, first: Uint8Array) => Decoder | undefined,
  ): Choose | undefined {
    const decoder = createDecoder(format)
    return decoder && ((first) => choose(decoder, first))
  }
}

function isGzip([first, second]: Uint8Array): boolean {
  return second === undefined || (first === 0x1f && second === 0x8b)
}

function isZlib([first = 0, second]: Uint8Array): boolean {
  return second === undefined || ((first & 0x0f) === 8 && (first * 256 + second) % 31 === 0)
}

/** Decodes a body while it is read. Reads nothing before. */
function decode(body: ReadableStream<Uint8Array>, choose: Choose): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  async function open(): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const { start, stream } = await peekBody(body, 2)
    // A coded body is never empty, but an empty body may have the header.
    const decoder = start.byteLength === 0 ? undefined : choose(start)
    if (decoder === undefined) return stream.getReader()
    return stream.pipeThrough(slices()).pipeThrough(decoder).getReader()
  }
  return new ReadableStream(
    {
      async pull(controller) {
        reader ??= await open()
        const { done, value } = await reader.read()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: (reason) => (reader ?? body).cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

const sliceBytes = 16 * 1024

/**
 * Cuts chunks into small slices. Some runtimes decode a whole chunk at once, and it may grow by a factor of a thousand.
 */
function slices(): TransformStream<Uint8Array, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    transform(chunk, controller) {
      for (let at = 0; at < chunk.byteLength; at += sliceBytes) {
        controller.enqueue(chunk.slice(at, at + sliceBytes))
      }
    },
  })
}

const mostJsonBytes = 64 * 1024 ** 2

/** Fails at the end of truncated JSON. Node's fetch does not report a coded body that was cut short. */
function wholeJson(): TransformStream<Uint8Array, Uint8Array> {
  let chunks: Uint8Array[] = []
  let length = 0
  return new TransformStream({
    transform(chunk, controller) {
      length += chunk.byteLength
      if (length <= mostJsonBytes) chunks.push(chunk)
      else chunks = []
      controller.enqueue(chunk)
    },
    flush() {
      if (length === 0 || length > mostJsonBytes) return
      if (parseJson(concatBytes(chunks)) === undefined) throw new RangeError('The JSON was cut.')
    },
  })
}

/**
 * Content codings of answers (RFC 9110 §8.4). An upstream is asked for none, but a CDN or API Management between may
 * code what passes.
 *
 * @module
 */

import { beginBody, concatBytes, parseJson } from './body.ts'

/** The formats that codings stand for. */
export type CodingFormat = 'gzip' | 'deflate' | 'deflate-raw' | 'brotli' | 'zstd'

/** Decodes one body. */
export type Decoder = ReadableWritablePair<Uint8Array, Uint8Array<ArrayBuffer>>

/** Makes a decoder; `undefined` where the runtime has none for the format. */
export type CreateDecoder = (format: CodingFormat) => Decoder | undefined

/** Makes a decoder by the web's standards. */
export const createWebDecoder: CreateDecoder = (format) => {
  try {
    // Some runtimes know more formats than the type does, and others throw.
    return new DecompressionStream(format as CompressionFormat)
  } catch {
    return undefined
  }
}

/** Options of {@link decodeAnswer}. */
export interface DecodeOptions {
  /** @default by the web's standards */
  readonly createDecoder?: CreateDecoder
  /**
   * Whether the runtime's own `fetch` has undone these codings, although its answer still names them.
   *
   * @param codings the whole header
   * @default it has undone all, as the Fetch standard says
   */
  readonly fetchUndoes?: (codings: string) => boolean
}

/**
 * An answer whose `Content-Encoding` tells the truth: codings are undone as far as the runtime can, and the header names
 * those that are left. A part (206) of a coded body can't be decoded and stays as it is.
 */
export function decodeAnswer(
  answer: Response,
  { createDecoder = createWebDecoder, fetchUndoes = () => true }: DecodeOptions = {},
): Response {
  const label = answer.headers.get('content-encoding')
  if (label === null || answer.status === 206) return answer
  // Only an answer of the runtime's own fetch names its URL.
  if (answer.url !== '' && fetchUndoes(label)) {
    return withBody(answer, isJson(answer) ? answer.body?.pipeThrough(wholeJson()) : answer.body)
  }
  const left = parseCodings(label)
  let body: ReadableStream<Uint8Array> | null = answer.body
  for (let last = left.at(-1); last !== undefined; last = left.at(-1)) {
    const choose = decoderFor(last, createDecoder)
    if (choose === undefined) break
    body = body && decode(body, choose)
    left.pop()
  }
  return withBody(answer, body, left)
}

// As many as undici undoes: each may multiply its bytes by a thousand.
const mostCodings = 5

/** In the order in which they were applied. */
function parseCodings(label: string): string[] {
  const codings = label.split(',').map((coding) => coding.trim().toLowerCase())
  const applied = codings.filter((coding) => coding !== '' && coding !== 'identity')
  return applied.length > mostCodings ? [label] : applied
}

const ofCodedBytes = ['content-length', 'content-md5', 'content-digest', 'repr-digest', 'etag']

function withBody(
  { status, statusText, headers }: Response,
  body: ReadableStream<Uint8Array> | null | undefined,
  left: readonly string[] = [],
): Response {
  const kept = new Headers(headers)
  kept.delete('content-encoding')
  for (const coding of left) kept.append('content-encoding', coding)
  for (const name of [...ofCodedBytes, 'accept-ranges']) kept.delete(name)
  return new Response(body, { status, statusText, headers: kept })
}

/** By the first two bytes of a body; `undefined`: it is not coded. */
type Choose = (first: Uint8Array) => Decoder | undefined

function decoderFor(coding: string, createDecoder: CreateDecoder): Choose | undefined {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      // A host's fetch may have undone it and made another answer of it, with the header.
      return choosing('gzip', (gzip, first) => (isGzip(first) ? gzip : undefined))
    case 'deflate':
      // Some servers leave the zlib wrapper out (RFC 9110 §8.4.1.2).
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

/** Decodes a body while it is read; nothing is read of it before. */
function decode(body: ReadableStream<Uint8Array>, choose: Choose): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  async function open(): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const { start, stream } = await beginBody(body, 2)
    // A coded body is never empty, but an empty one may have the header.
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

/** Cuts chunks small: some runtimes decode all of a chunk at once, and it may grow by a factor of a thousand. */
function slices(): TransformStream<Uint8Array, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    transform(chunk, controller) {
      for (let at = 0; at < chunk.byteLength; at += sliceBytes) {
        controller.enqueue(chunk.slice(at, at + sliceBytes))
      }
    },
  })
}

function isJson({ headers }: Response): boolean {
  return /^application\/json\b/i.test(headers.get('content-type') ?? '')
}

const mostJsonBytes = 64 * 1024 ** 2

/** Breaks at the end of JSON that is cut: Node's fetch takes a coded body that was cut for a whole one. */
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

/**
 * Reads whole bodies up to a limit, and joins chunks.
 *
 * @module
 */

/** Result of {@link readBounded}: the whole body, or a stream of all bytes of a body that is too large. */
type BoundedBody =
  | { readonly whole: Uint8Array<ArrayBuffer> }
  | { readonly whole?: undefined; readonly stream: ReadableStream<Uint8Array> }

/**
 * Reads a body of at most `limit` bytes. A larger body is returned as a stream of all its bytes; at most `limit` bytes
 * and one chunk are held.
 *
 * @param body read to its end, or to the first chunk beyond the limit
 * @param limit largest whole body in bytes
 * @throws the error of a failed read
 */
export async function readBounded(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
): Promise<BoundedBody> {
  if (body === null) return { whole: new Uint8Array() }
  const reader = body.getReader()
  const held = createGrowingBuffer(limit)
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return { whole: held.bytes() }
    if (held.length + value.byteLength > limit) {
      return { stream: resumeReading([held.bytes(), value], reader) }
    }
    held.push(value)
  }
}

/** A buffer that grows with its content. See {@link createGrowingBuffer}. */
interface GrowingBuffer {
  readonly length: number
  push(chunk: Uint8Array): void
  bytes(): Uint8Array<ArrayBuffer>
}

// From this size on the limit is allocated at once. Unused pages cost nothing, while further copies would block the
// event loop.
const growsAtOnce = 8 * 1024 ** 2

/**
 * Creates a buffer that copies each chunk when it comes, so that the end takes no time.
 *
 * @param limit expected maximum in bytes. The buffer may become longer.
 */
export function createGrowingBuffer(limit: number): GrowingBuffer {
  let whole = new Uint8Array()
  let length = 0
  return {
    get length() {
      return length
    },
    push(chunk) {
      const needed = length + chunk.byteLength
      if (needed > whole.length) {
        const doubled = Math.max(needed, 2 * whole.length)
        const wanted = doubled > growsAtOnce ? limit : Math.min(doubled, limit)
        const grown = new Uint8Array(needed > limit ? doubled : wanted)
        grown.set(whole.subarray(0, length))
        whole = grown
      }
      whole.set(chunk, length)
      length = needed
    },
    bytes: () => whole.subarray(0, length),
  }
}

const streamedAtOnce = 256 * 1024

/**
 * A body for a response. Large bytes become a stream, because runtimes copy bytes that they get in one piece.
 *
 * @param bytes must not change while the response is sent
 */
export function toBody(
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> {
  if (bytes.length <= streamedAtOnce) return bytes
  let at = 0
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        controller.enqueue(bytes.subarray(at, at + streamedAtOnce))
        at += streamedAtOnce
        if (at >= bytes.length) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

/**
 * Joins chunks like {@link concatBytes}. Yields at points where other work may run.
 *
 * @param chunks are copied, 4 MiB between two pauses
 */
export function* joinBytes(
  chunks: readonly Uint8Array[],
): Generator<undefined, Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0))
  let offset = 0
  let pause = joinedAtOnce
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; at += joinedAtOnce) {
      const piece = chunk.subarray(at, at + joinedAtOnce)
      whole.set(piece, offset)
      offset += piece.byteLength
      if (offset < pause) continue
      yield
      pause = offset + joinedAtOnce
    }
  }
  return whole
}

const joinedAtOnce = 4 * 1024 ** 2

/**
 * Joins chunks.
 *
 * @param chunks are copied
 * @param length total length, if known
 */
export function concatBytes(
  chunks: readonly Uint8Array[],
  length: number = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0),
): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return whole
}

/** A body whose first bytes are known. */
interface PeekedBody {
  /** The first bytes; empty for an empty body. */
  readonly start: Uint8Array
  /** The whole body, including the first bytes. */
  readonly stream: ReadableStream<Uint8Array>
}

/**
 * Reads the first bytes of a body, and returns them with a stream of the whole body.
 *
 * @param body is locked afterwards; read `stream` instead
 * @param bytes how many bytes to wait for, if the body has them
 * @throws the error of a failed read
 */
export async function peekBody(body: ReadableStream<Uint8Array>, bytes = 1): Promise<PeekedBody> {
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  for (let length = 0; length < bytes; ) {
    const { done, value } = await reader.read()
    if (done) break
    chunks.push(value)
    length += value.byteLength
  }
  return { start: concatBytes(chunks), stream: resumeReading(chunks, reader) }
}

/** A stream of the chunks that were read, then of the rest. */
function resumeReading(
  chunks: Uint8Array[],
  reader: ReadableStreamDefaultReader<Uint8Array>,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const held = chunks.shift()
        if (held !== undefined) return controller.enqueue(held)
        const { done, value } = await reader.read()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/**
 * Reads a whole body; `undefined` if it is larger than the limit. The rest of a larger body is cancelled.
 *
 * @param limit in bytes
 * @throws the error of a failed read
 */
export async function readWhole(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const read = await readBounded(body, limit)
  if (read.whole === undefined) await read.stream.cancel()
  return read.whole
}

/**
 * Parses JSON bytes; `undefined` if they are not valid UTF-8 or JSON.
 *
 * @param bytes with or without a byte order mark
 */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Decodes UTF-8 and keeps a byte order mark, so that encoding gives the same bytes; `undefined` for other bytes.
 *
 * @param bytes a whole text: a character that is cut makes it other bytes
 */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

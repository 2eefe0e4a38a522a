/**
 * Part of a stream, for an upstream that knows no ranges.
 *
 * @module
 */

import type { ByteRange } from './range.ts'

/**
 * Passes the bytes of the range and ends there: whatever pipes into it cancels its source, so that no more is read than
 * the range needs. It errors where the source ends before.
 */
export function sliceStream({ start, end }: ByteRange): TransformStream<Uint8Array, Uint8Array> {
  let at = 0
  return new TransformStream({
    transform(chunk, controller) {
      const from = at
      at += chunk.byteLength
      const part = chunk.subarray(Math.max(0, start - from), Math.max(0, end + 1 - from))
      if (part.byteLength > 0) controller.enqueue(part)
      if (at > end) controller.terminate()
    },
    flush() {
      throw endedEarly()
    },
  })
}

/** Makes a stream that passes exactly so many bytes on, natively: the `FixedLengthStream` of Workers. */
export type FixedLength = (bytes: number) => ReadableWritablePair<Uint8Array, Uint8Array>

/** Options of {@link sliceBody}. */
export interface SliceOptions {
  /** The length of the whole body, in bytes. */
  readonly size: number
  /** Where JavaScript in the path costs much; without it, a {@link sliceStream} does the work. */
  readonly fixedLength?: FixedLength
}

/**
 * The range of a body, which is read no further than that. Given `fixedLength`, what is skipped is read in large pieces,
 * and a range up to the body's end is piped by the runtime alone. The stream errors where the body ends before.
 */
export function sliceBody(
  body: ReadableStream<Uint8Array>,
  range: ByteRange,
  { size, fixedLength }: SliceOptions,
): ReadableStream<Uint8Array> {
  const reader = fixedLength && openReader(body)
  if (fixedLength === undefined || reader === undefined) return body.pipeThrough(sliceStream(range))
  const { readable, writable } = fixedLength(range.end - range.start + 1)
  const isToEnd = range.end === size - 1
  // Whoever reads learns of a failure from the stream.
  pump(body, reader, { writable, range, isToEnd }).catch(() => {})
  return readable
}

/** A reader of exact lengths, which only a byte stream has. */
function openReader(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return body.getReader({ mode: 'byob' })
  } catch {
    return undefined
  }
}

interface Sink {
  readonly writable: WritableStream<Uint8Array>
  readonly range: ByteRange
  readonly isToEnd: boolean
}

async function pump(
  body: ReadableStream<Uint8Array>,
  reader: ReadableStreamBYOBReader,
  { writable, range: { start, end }, isToEnd }: Sink,
): Promise<void> {
  const writer = writable.getWriter()
  try {
    await readExactly(reader, start, async () => {})
    if (isToEnd) {
      reader.releaseLock()
      writer.releaseLock()
      return await body.pipeTo(writable)
    }
    await readExactly(reader, end + 1 - start, (piece) => writer.write(piece))
    await writer.close()
    await reader.cancel()
  } catch (error) {
    await Promise.allSettled([reader.cancel(error), writer.abort(error)])
  }
}

// Each piece is one turn of JavaScript, and what runtimes read at once from a socket.
const pieceLength = 64 * 1024

async function readExactly(
  reader: ReadableStreamBYOBReader,
  bytes: number,
  take: (piece: Uint8Array) => Promise<void>,
): Promise<void> {
  let left = bytes
  while (left > 0) {
    const { done, value } = await reader.read(new Uint8Array(Math.min(left, pieceLength)))
    if (done) throw endedEarly()
    left -= value.byteLength
    await take(value)
  }
}

function endedEarly(): RangeError {
  return new RangeError('The body ended before the range that was asked for did.')
}

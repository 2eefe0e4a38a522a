/**
 * Bodies, read piece by piece.
 *
 * @module
 */

import { type OnBodyEnd, type Outcome, outcomeOfCancel, outcomeOfFailure } from './failures.ts'

/** Bytes to be read. */
export interface ByteReader {
  /**
   * Reads the next bytes, which stay valid until the next read; `undefined` at the end.
   *
   * @param needed no more bytes than these are needed; a hint, so that fewer are read in vain
   */
  read(needed?: number): Promise<Uint8Array | undefined>
  cancel(reason?: unknown): Promise<void>
  /** Rejects if the bytes break off between reads. Absent if only a read can notice it. */
  readonly closed?: Promise<unknown>
}

/** An answer or a request: its stream may be made only when it is asked for. */
export interface Bodied {
  readonly body: ReadableStream<Uint8Array> | null
}

/** Begins to read a body; `null` counts as empty. */
export type ReadBody = (from: Bodied) => ByteReader

const empty: ByteReader = { read: async () => undefined, cancel: async () => {} }

/** Reads a body as it comes, without copying. */
export const readBody: ReadBody = ({ body }) => {
  if (body === null) return empty
  const reader = body.getReader()
  return {
    closed: reader.closed,
    read: async () => (await reader.read()).value,
    cancel: (reason) => reader.cancel(reason),
  }
}

/** Files up to this length in bytes are read whole. */
export const mostWhole: number = 64 * 1024

/**
 * Reads a small body by one call of the runtime, which costs Deno and workerd less than the reads of its stream. Only the
 * signal of the request can end such a read. So it is for runtimes that end this signal with the answer.
 *
 * @param read reads all other bodies
 */
export function readSmallByOneCall(read: ReadBody): ReadBody {
  return (from) => (isSmall(from) ? readByOneCall(from) : read(from))
}

function isSmall(from: Bodied): from is Response {
  // Only an answer of the runtime's own fetch has a URL. Its body is not longer than announced.
  if (!(from instanceof Response) || from.url === '') return false
  // Then the length is that of the packed bytes.
  if (from.headers.has('content-encoding')) return false
  const length = from.headers.get('content-length')
  return length !== null && Number(length) <= mostWhole
}

function readByOneCall(answer: Response): ByteReader {
  let isRead = false
  return {
    async read() {
      if (isRead) return undefined
      isRead = true
      return new Uint8Array(await answer.arrayBuffer())
    },
    async cancel(reason) {
      if (!isRead) await answer.body?.cancel(reason)
    },
  }
}

/** Bytes of a piece at the slowest. */
export const slowPiece: number = 64 * 1024
// New memory is filled with zeros, which costs more than the turns that larger pieces save.
const largest = { reused: 1024 ** 2, own: 256 * 1024 }
// Milliseconds for a piece. A slower one keeps the client waiting; many quick ones cost too many turns of JavaScript.
const quick = 200
const slow = 1000

/**
 * Reads a body in few large pieces, for runtimes where JavaScript in the byte path is expensive. The pieces grow while the
 * transfer is fast, so that a slow one neither waits nor holds memory.
 *
 * @param now in milliseconds
 * @param memory `reused`: a piece is valid until the next read. `own`: it stays valid, as a stream needs it.
 */
export function readLargePieces(now: () => number, memory: 'reused' | 'own'): ReadBody {
  return ({ body }) => {
    const reader = body === null ? undefined : openReader(body)
    if (reader === undefined) return readBody({ body })
    let buffer = new ArrayBuffer(slowPiece)
    let length = slowPiece
    let began: number | undefined
    return {
      closed: reader.closed,
      async read(needed = length) {
        // The time between two reads shows the speed of both sides.
        const took = began === undefined ? slow : now() - began
        if (took < quick) length = Math.min(length * 2, largest[memory])
        if (took > slow) length = slowPiece
        began = now()
        if (memory === 'own' || length !== buffer.byteLength) buffer = new ArrayBuffer(length)
        const wanted = Math.min(needed, length)
        const min = length === slowPiece ? 1 : wanted
        const { done, value } = await reader.read(new Uint8Array(buffer, 0, wanted), { min })
        if (value !== undefined) buffer = value.buffer
        return done && !value?.byteLength ? undefined : value
      },
      cancel: (reason) => reader.cancel(reason),
    }
  }
}

/** Opens a reader that can wait for a minimum of bytes; `undefined` if the body is no byte stream. */
function openReader(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return body.getReader({ mode: 'byob' })
  } catch {
    return undefined
  }
}

/**
 * Waits for the first bytes, so that a failure before them can still be answered.
 *
 * @returns a reader of all the bytes, including the first
 * @throws the error of the first read
 */
export async function beginReading(bytes: ByteReader): Promise<ByteReader> {
  const first = await bytes.read()
  const begun: ByteReader = {
    ...bytes,
    async read() {
      begun.read = bytes.read
      return first
    },
  }
  return begun
}

/** Observes bytes that pass. */
export interface BytesWatcher {
  readonly onBytes?: (count: number) => void
  /** Called once: after the last byte, after a failure, or when the rest is no longer needed. */
  readonly onEnd: OnBodyEnd
}

/**
 * Passes the same bytes on and counts them.
 *
 * @param bytes to be passed on
 * @param watcher called for each piece that was read, whether or not the reader uses it
 */
export function watchBytes(bytes: ByteReader, { onBytes, onEnd }: BytesWatcher): ByteReader {
  let count = 0
  let isOver = false

  function end(outcome: Outcome): void {
    if (!isOver) onEnd(count, outcome)
    isOver = true
  }

  bytes.closed?.catch((error) => end(outcomeOfFailure(error)))
  return {
    closed: bytes.closed,
    async read(needed) {
      try {
        const piece = await bytes.read(needed)
        if (piece === undefined) end('done')
        else count += piece.byteLength
        if (piece !== undefined) onBytes?.(piece.byteLength)
        return piece
      } catch (error) {
        end(outcomeOfFailure(error))
        throw error
      }
    },
    cancel(reason) {
      end(outcomeOfCancel(reason))
      return bytes.cancel(reason)
    },
  }
}

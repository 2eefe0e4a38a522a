/**
 * Bodies, read piece by piece.
 *
 * @module
 */

import {
  type OnBodyEnd,
  type Outcome,
  outcomeOfCancel,
  outcomeOfFailure,
} from '../observe/outcome.ts'

/** What reads a body. */
export interface Pieces {
  /**
   * The next bytes, at most so many; `undefined` at the end. A piece is good until the next read, which may use its
   * memory again.
   */
  read(most: number): Promise<Uint8Array | undefined>
  /** Whether anything follows; the last piece stays good, and nothing is read after. */
  hasMore(): Promise<boolean>
  /** Lets the rest of the body go. */
  cancel(reason?: unknown): Promise<void>
}

/** What reads bytes whose end is known. */
export interface ByteReader {
  /** The next bytes, good until the next read; `undefined` when all are there. */
  read(): Promise<Uint8Array | undefined>
  cancel(reason?: unknown): Promise<void>
  /** Rejects where the bytes break off while nobody reads. Absent where only a read can tell. */
  readonly closed?: Promise<unknown>
}

/**
 * Waits for the first bytes, so that a failure before them can still be answered.
 *
 * @returns a reader of all the bytes, the first ones included
 * @throws what the first read throws
 */
export async function beginReading(bytes: ByteReader): Promise<ByteReader> {
  let first = await bytes.read()
  return {
    async read() {
      const piece = first
      first = undefined
      return piece ?? bytes.read()
    },
    cancel: bytes.cancel,
  }
}

/** The same bytes. `onEnd` is called once: with the last byte, a failure, or when nobody wants the rest. */
export function watchBytes(bytes: ByteReader, onEnd: OnBodyEnd): ByteReader {
  let count = 0
  let isOver = false

  function end(outcome: Outcome): void {
    if (!isOver) onEnd(count, outcome)
    isOver = true
  }

  // A body may break while its client takes nothing, and so nothing is read of it.
  bytes.closed?.catch((error) => end(outcomeOfFailure(error)))
  return {
    closed: bytes.closed,
    async read() {
      try {
        const piece = await bytes.read()
        if (piece === undefined) end('done')
        else count += piece.byteLength
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

/** Reads a stream; `null` is an empty body. */
export function readStream(stream: ReadableStream<Uint8Array> | null): ByteReader {
  if (stream === null) return { read: async () => undefined, cancel: async () => {} }
  const reader = stream.getReader()
  return {
    closed: reader.closed,
    read: async () => (await reader.read()).value,
    cancel: (reason) => reader.cancel(reason),
  }
}

/** Whatever has a body: an answer, for one. Its stream may be made only when it is asked for. */
export interface Bodied {
  readonly body: ReadableStream<Uint8Array> | null
}

/** Begins to read a body. */
export type ReadPieces = (from: Bodied) => Pieces

/** What reads where there is no body. */
const noPieces: Pieces = {
  read: async () => undefined,
  hasMore: async () => false,
  cancel: async () => {},
}

/** Reads a body as it comes, which copies nothing. */
export const readPieces: ReadPieces = ({ body }) => {
  if (body === null) return noPieces
  const reader = body.getReader()
  let rest: Uint8Array | undefined
  return {
    async read(most) {
      let piece = rest ?? (await reader.read()).value
      while (piece?.byteLength === 0) piece = (await reader.read()).value
      rest = piece && piece.byteLength > most ? piece.subarray(most) : undefined
      return rest === undefined ? piece : piece?.subarray(0, most)
    },
    hasMore: async () => rest !== undefined || !(await reader.read()).done,
    cancel: (reason) => reader.cancel(reason),
  }
}

const smallest = 64 * 1024
const largest = 1024 ** 2
// A piece that takes longer keeps the client waiting; one that takes less costs too many turns of JavaScript.
const quick = 200
const slow = 1000

/**
 * Reads a body in few large pieces, for runtimes where each turn of JavaScript in the byte path costs much: they grow
 * while the bytes come and go fast, so that a slow transfer neither waits nor holds memory.
 *
 * @param now in milliseconds
 */
export function readLargePieces(now: () => number): ReadPieces {
  return ({ body }) => {
    const reader = body === null ? undefined : openReader(body)
    if (reader === undefined) return readPieces({ body })
    let buffer = new ArrayBuffer(smallest)
    let length = smallest
    let began: number | undefined
    return {
      async read(most) {
        // The time from read to read tells of both sides.
        const took = began === undefined ? slow : now() - began
        if (took < quick) length = Math.min(length * 2, largest)
        if (took > slow) length = smallest
        began = now()
        if (length !== buffer.byteLength) buffer = new ArrayBuffer(length)
        const wanted = Math.min(most, length)
        const min = length === smallest ? 1 : wanted
        const { done, value } = await reader.read(new Uint8Array(buffer, 0, wanted), { min })
        if (value !== undefined) buffer = value.buffer
        return done && !value?.byteLength ? undefined : value
      },
      hasMore: async () => !(await reader.read(new Uint8Array(1))).done,
      cancel: (reason) => reader.cancel(reason),
    }
  }
}

/** A reader of exact lengths, which only a byte stream has. */
function openReader(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return body.getReader({ mode: 'byob' })
  } catch {
    return undefined
  }
}

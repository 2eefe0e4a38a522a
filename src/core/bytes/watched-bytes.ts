/**
 * Bytes on their way to a client, counted, with their end told.
 *
 * @module
 */

import {
  type OnBodyEnd,
  type Outcome,
  outcomeOfCancel,
  outcomeOfFailure,
} from '../observe/outcome.ts'
import type { ByteReader } from './reader.ts'

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

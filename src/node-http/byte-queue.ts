/**
 * The one queue between the upstream's socket and the client's.
 *
 * @module
 */

import type { ByteReader } from '../core/bytes/reader.ts'

/** Controls the connection that the bytes come from. */
export interface Inflow {
  pause(): void
  resume(): void
  /** Closes the connection. */
  abort(reason: Error): void
}

/** Chunks come in by `write` and are read by `bytes`. */
export interface ByteQueue {
  readonly bytes: ByteReader
  write(chunk: Uint8Array): void
  /** Ends the bytes, or breaks them with an error. */
  end(error?: unknown): void
}

// Bytes that wait for a busy client; above it the upstream's socket is paused.
const mostHeld = 32 * 1024

interface WaitingRead {
  resolve(piece: Uint8Array | undefined): void
  reject(error: unknown): void
}

/** Makes a queue. */
export function createByteQueue(inflow: Inflow): ByteQueue {
  const held: Uint8Array[] = []
  let heldBytes = 0
  let isPaused = false
  let waiting: WaitingRead | undefined
  let ending: { readonly error?: unknown } | undefined

  function take(): Uint8Array | undefined {
    const piece = held.shift()
    heldBytes -= piece?.byteLength ?? 0
    if (isPaused && heldBytes < mostHeld && ending === undefined) {
      isPaused = false
      inflow.resume()
    }
    return piece
  }

  return {
    write(chunk) {
      if (waiting !== undefined) {
        const { resolve } = waiting
        waiting = undefined
        return resolve(chunk)
      }
      held.push(chunk)
      heldBytes += chunk.byteLength
      if (isPaused || heldBytes < mostHeld) return
      isPaused = true
      inflow.pause()
    },
    end(error) {
      ending ??= { error }
      if (error === undefined) waiting?.resolve(undefined)
      else waiting?.reject(error)
      waiting = undefined
    },
    bytes: {
      read() {
        const piece = take()
        if (ending?.error !== undefined && piece === undefined) return Promise.reject(ending.error)
        if (ending !== undefined || piece !== undefined) return Promise.resolve(piece)
        return new Promise((resolve, reject) => {
          waiting = { resolve, reject }
        })
      },
      async cancel(reason) {
        held.length = 0
        if (ending !== undefined) return
        inflow.abort(toError(reason))
      },
    },
  }
}

/** The reason for an abort, which can be any value, as an error. */
export function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The body is not wanted any more.')
}

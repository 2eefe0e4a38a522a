/**
 * What is kept of bytes that are gone, to tell later whether a file is still the same.
 *
 * @module
 */

/** The trace that bytes leave. */
export interface Trace {
  /** Takes the bytes that follow. */
  add(piece: Uint8Array): void
  /** The last bytes, up to 4 KiB of them. */
  tail(): Uint8Array
  /** Whether another trace is that of the same bytes, as far as can be told. */
  isSame(other: Trace): boolean
  /** How many bytes there were, and a hash of those that were looked at. */
  sum(): string
}

// All of what is small is looked at, and of what is large so little that it costs nothing.
const whole = 256 * 1024
const block = 64 * 1024
const sample = 256
const tailLength = 4096

/** Begins a trace: FNV-1a of the first 256 KiB and of the start of each 64 KiB behind them, and the tail as it is. */
export function createTrace(): Trace {
  let at = 0
  let hash = 0x811c9dc5
  let tail: Uint8Array = new Uint8Array()
  const trace: Trace = {
    add(piece) {
      for (let from = 0; from < piece.byteLength; ) {
        const { isRead, until } = windowAt(at + from)
        const to = Math.min(piece.byteLength, until - at)
        if (isRead) {
          for (let i = from; i < to; i++) hash = Math.imul(hash ^ (piece[i] ?? 0), 0x01000193)
        }
        from = to
      }
      at += piece.byteLength
      tail = lastOf(tail, piece)
    },
    tail: () => tail,
    sum: () => `${at} ${hash}`,
    isSame: (other) => trace.sum() === other.sum() && isEqual(tail, other.tail()),
  }
  return trace
}

function windowAt(position: number): { isRead: boolean; until: number } {
  if (position < whole) return { isRead: true, until: whole }
  const start = position - (position % block)
  const isRead = position - start < sample
  return { isRead, until: start + (isRead ? sample : block) }
}

/** A copy, since the piece's memory may be used again. */
function lastOf(before: Uint8Array, piece: Uint8Array): Uint8Array {
  if (piece.byteLength >= tailLength) return piece.slice(-tailLength)
  const kept = before.subarray(Math.max(0, before.byteLength + piece.byteLength - tailLength))
  const tail = new Uint8Array(kept.byteLength + piece.byteLength)
  tail.set(kept)
  tail.set(piece, kept.byteLength)
  return tail
}

/** Whether two runs of bytes are the same. */
export function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && one.every((byte, at) => byte === other[at])
}

/**
 * Fingerprints of the bytes already sent, to check after a reconnect that the file has not changed.
 *
 * @module
 */

/** A fingerprint that grows with the bytes. */
interface Fingerprint {
  /** Adds the next bytes. */
  add(piece: Uint8Array): void
  /** The last 4 KiB; valid until bytes are added. */
  tail(): Uint8Array
  /** Whether another fingerprint is of the same bytes, as far as the samples show. */
  isSame(other: Fingerprint): boolean
  /** The number of bytes, and a hash of the samples. */
  sum(): string
}

// Small files are hashed whole. Of large ones so little is hashed that it costs nothing.
const whole = 256 * 1024
const block = 64 * 1024
const sample = 256
const tailLength = 4096

/** Makes a fingerprint: FNV-1a of the first 256 KiB and of the start of each 64 KiB after them, and the tail itself. */
export function createFingerprint(): Fingerprint {
  let at = 0
  let hash = 0x811c9dc5
  let kept = new Uint8Array()
  let keptBytes = 0

  /** Copies the last bytes, because the memory of the piece may be used again. */
  function keep(piece: Uint8Array): void {
    if (kept.byteLength === 0) kept = new Uint8Array(tailLength)
    const last = piece.subarray(-tailLength)
    const stays = Math.min(keptBytes, tailLength - last.byteLength)
    kept.copyWithin(0, keptBytes - stays, keptBytes)
    kept.set(last, stays)
    keptBytes = stays + last.byteLength
  }

  const fingerprint: Fingerprint = {
    add(piece) {
      for (let from = 0; from < piece.byteLength; ) {
        const { isRead, until } = windowAt(at + from)
        const to = Math.min(piece.byteLength, until - at)
        if (isRead) hash = addToHash(hash, piece, from, to)
        from = to
      }
      at += piece.byteLength
      keep(piece)
    },
    tail: () => kept.subarray(0, keptBytes),
    sum: () => `${at} ${hash}`,
    isSame: (other) =>
      fingerprint.sum() === other.sum() && isEqual(fingerprint.tail(), other.tail()),
  }
  return fingerprint
}

/** Continues an FNV-1a hash. A local sum, since workerd allocates a number at each change of an outer variable. */
function addToHash(hash: number, piece: Uint8Array, from: number, to: number): number {
  let sum = hash
  for (let i = from; i < to; i++) sum = Math.imul(sum ^ (piece[i] ?? 0), 0x01000193)
  return sum
}

function windowAt(position: number): { isRead: boolean; until: number } {
  if (position < whole) return { isRead: true, until: whole }
  const start = position - (position % block)
  const isRead = position - start < sample
  return { isRead, until: start + (isRead ? sample : block) }
}

/**
 * Whether two arrays hold the same bytes.
 *
 * @param one bytes of at most a few KiB: the comparison is a plain loop
 * @param other may have another length
 */
export function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && one.every((byte, at) => byte === other[at])
}

/**
 * The bytes of a file, read at any offset so that none of any size is ever held.
 *
 * @module
 */

/** Bytes that may be too many to hold. */
export interface Content {
  readonly bytes: number
  /** Up to `length` bytes from `offset` on; fewer only where that suits better, none only at the end. */
  read(offset: number, length: number): Uint8Array<ArrayBuffer>
}

/** Bytes that are at hand. */
export function fixed(bytes: Uint8Array<ArrayBuffer>): Content {
  return {
    bytes: bytes.byteLength,
    read: (offset, length) => bytes.slice(offset, offset + length),
  }
}

/** The text in UTF-8. */
export function textContent(text: string): Content {
  return fixed(new TextEncoder().encode(text))
}

const blockBytes = 64 * 1024
// Odd, so that it takes 65,536 blocks (4 GiB) until one begins where another did.
const stride = 4099
// From this size on pieces are lent, not copied: 64 KiB of garbage a piece would hide what a gateway itself needs.
const lendFrom = 16e6
const printable = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.'

/** So many bytes that only the seed decides, made while they are read; each block of 64 KiB is another. */
export function generated(bytes: number, seed: string, asText = false): Content {
  let pattern: Uint8Array<ArrayBuffer> | undefined
  return {
    bytes,
    read(offset, length) {
      // Whoever took a lent piece may have taken its buffer away with it.
      if (!pattern?.byteLength) pattern = makePattern(seed, asText)
      const index = Math.floor(offset / blockBytes)
      const inBlock = offset - index * blockBytes
      const from = ((index * stride) % blockBytes) + inBlock
      const end = from + Math.min(length, blockBytes - inBlock, bytes - offset)
      return bytes < lendFrom ? pattern.slice(from, end) : pattern.subarray(from, end)
    },
  }
}

/** Two blocks' worth: a block may begin anywhere in the first. */
function makePattern(seed: string, asText: boolean): Uint8Array<ArrayBuffer> {
  const next = random(seed)
  return Uint8Array.from({ length: 2 * blockBytes }, () => {
    const byte = next() >>> 8
    return asText ? printable.charCodeAt(byte % 64) : byte
  })
}

/** The same length and other bytes, from an offset on. */
export function changed(content: Content, from: number): Content {
  return {
    bytes: content.bytes,
    read: (offset, length) =>
      content.read(offset, length).map((byte, at) => (offset + at >= from ? byte ^ 1 : byte)),
  }
}

/** The bytes of a range, `end` excluded. */
export function stream(content: Content, start = 0, end: number = content.bytes): ReadableStream {
  let offset = start
  return new ReadableStream(
    {
      pull(controller) {
        const piece = content.read(offset, Math.min(blockBytes, end - offset))
        offset += piece.byteLength
        if (piece.byteLength > 0) controller.enqueue(piece)
        if (offset >= end) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

/** xorshift32, seeded by FNV-1a of a text: unsigned 32-bit numbers, the same for the same text. */
export function random(seed: string): () => number {
  let state = 0x811c9dc5
  for (const byte of new TextEncoder().encode(seed)) state = Math.imul(state ^ byte, 0x01000193)
  state ||= 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

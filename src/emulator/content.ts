/**
 * File contents that can be read at any offset, so that large files need no memory.
 *
 * @module
 */

/** Content that may be too large for memory. */
export interface Content {
  readonly bytes: number
  /** Reads up to `length` bytes from `offset`. May return fewer, but returns none only at the end. */
  read(offset: number, length: number): Uint8Array<ArrayBuffer>
}

/**
 * Content from bytes in memory.
 *
 * @param bytes must not change
 */
export function fixed(bytes: Uint8Array<ArrayBuffer>): Content {
  return {
    bytes: bytes.byteLength,
    read: (offset, length) => bytes.slice(offset, offset + length),
  }
}

/**
 * Content from a text, in UTF-8.
 *
 * @param text small enough for memory
 */
export function textContent(text: string): Content {
  return fixed(new TextEncoder().encode(text))
}

const blockBytes = 64 * 1024
// Odd, so that each of the first 65,536 blocks (4 GiB) begins at another place of the pattern.
const stride = 4099
// From this size on, pieces are views and not copies: 64 KiB of garbage for each piece would distort measurements of a
// gateway's memory.
const viewsFrom = 16e6
const printable = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.'

/**
 * Content that depends only on the seed, generated on reading. All blocks of 64 KiB differ.
 *
 * @param bytes size; only 128 KiB are held
 * @param seed equal seeds give equal content
 * @param asText whether all bytes are printable ASCII
 */
export function generated(bytes: number, seed: string, asText = false): Content {
  let pattern: Uint8Array<ArrayBuffer> | undefined
  return {
    bytes,
    read(offset, length) {
      // The reader of a view may have transferred its buffer.
      if (!pattern?.byteLength) pattern = makePattern(seed, asText)
      const index = Math.floor(offset / blockBytes)
      const inBlock = offset - index * blockBytes
      const from = ((index * stride) % blockBytes) + inBlock
      const end = from + Math.min(length, blockBytes - inBlock, bytes - offset)
      return bytes < viewsFrom ? pattern.slice(from, end) : pattern.subarray(from, end)
    },
  }
}

/**
 * Creates the pattern of all blocks. It has the length of two blocks, because a block may begin anywhere in the first.
 *
 * @param seed of {@link random}
 * @param asText whether all bytes are printable ASCII
 */
function makePattern(seed: string, asText: boolean): Uint8Array<ArrayBuffer> {
  const next = random(seed)
  return Uint8Array.from({ length: 2 * blockBytes }, () => {
    const byte = next() >>> 8
    return asText ? printable.charCodeAt(byte % 64) : byte
  })
}

/**
 * Content of the same length with other bytes from an offset on.
 *
 * @param content stays as it is
 * @param from offset of the first byte that differs
 */
export function changed(content: Content, from: number): Content {
  return {
    bytes: content.bytes,
    read: (offset, length) =>
      content.read(offset, length).map((byte, at) => (offset + at >= from ? byte ^ 1 : byte)),
  }
}

/**
 * Streams a range of bytes, `end` excluded.
 *
 * @param start offset of the first byte
 * @param end offset behind the last byte
 */
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

/**
 * Creates a random generator (xorshift32, seeded by the FNV-1a hash of a text): unsigned 32-bit numbers, equal for
 * equal seeds.
 *
 * @param seed any text; an empty one is allowed
 * @see https://www.jstatsoft.org/article/view/v008i14 (xorshift)
 */
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

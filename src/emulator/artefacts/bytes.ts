/**
 * Helpers for binary formats.
 *
 * @module
 */

/** Concatenates texts (as UTF-8) and bytes. */
export function join(...parts: readonly (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const pieces = parts.map((part) =>
    typeof part === 'string' ? new TextEncoder().encode(part) : part,
  )
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0))
  let offset = 0
  for (const piece of pieces) {
    whole.set(piece, offset)
    offset += piece.byteLength
  }
  return whole
}

/** Encodes numbers in the given number of bytes each, little-endian. */
export function littleEndian(widths: string, ...numbers: readonly number[]): Uint8Array {
  return Uint8Array.from(
    numbers.flatMap((number, index) =>
      Array.from({ length: Number(widths[index]) }, (_, byte) => (number >>> (8 * byte)) & 0xff),
    ),
  )
}

/** Encodes an unsigned number in four bytes, big-endian. */
export function bigEndian32(number: number): Uint8Array {
  return littleEndian('4', number).reverse()
}

/** The unsigned CRC-32 of bytes. */
export function crc32(bytes: Uint8Array): number {
  let crc = -1
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}

/**
 * Putting binary formats together.
 *
 * @module
 */

/** Texts (in UTF-8) and bytes, one after the other. */
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

/** Numbers in so many bytes each, the lowest byte first. */
export function littleEndian(widths: string, ...numbers: readonly number[]): Uint8Array {
  return Uint8Array.from(
    numbers.flatMap((number, index) =>
      Array.from({ length: Number(widths[index]) }, (_, byte) => (number >>> (8 * byte)) & 0xff),
    ),
  )
}

/** An unsigned number in four bytes, the highest byte first. */
export function bigEndian32(number: number): Uint8Array {
  return littleEndian('4', number).reverse()
}

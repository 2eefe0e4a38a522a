/**
 * Writes a PNG (W3C PNG, third edition) with an 8-bit palette and one IDAT chunk.
 *
 * @module
 */

import { bigEndian32, crc32, join } from './bytes.ts'
import type { Canvas } from './canvas.ts'

/** Encodes pixels. Colours are six hex digits each. */
export async function encodePng(
  { width, height, pixels }: Canvas,
  palette: readonly string[],
): Promise<Uint8Array<ArrayBuffer>> {
  // Each row begins with its filter type: none.
  const rows = new Uint8Array((width + 1) * height)
  for (let y = 0; y < height; y += 1) {
    rows.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1)
  }
  const colours = palette.join('').match(/../g) ?? []
  return join(
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10),
    chunk('IHDR', join(bigEndian32(width), bigEndian32(height), Uint8Array.of(8, 3, 0, 0, 0))),
    chunk(
      'PLTE',
      Uint8Array.from(colours, (hex) => Number.parseInt(hex, 16)),
    ),
    chunk('IDAT', await deflate(rows)),
    chunk('IEND', new Uint8Array()),
  )
}

/** Compresses to the zlib format (RFC 1950), which the platform calls `deflate`. */
async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'))
  return new Uint8Array(await new Response(packed).arrayBuffer())
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = join(type, data)
  return join(bigEndian32(data.byteLength), body, bigEndian32(crc32(body)))
}

/**
 * Draws on a canvas of palette colours, and writes it as a PNG (W3C PNG, third edition) with one IDAT chunk.
 *
 * @module
 */

import { bigEndian32, crc32, join } from './bytes.ts'

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

/** Fills a rectangle, given by its corners. `right` and `bottom` are excluded. */
export interface Canvas {
  readonly width: number
  readonly height: number
  /** Row by row. */
  readonly pixels: Uint8Array
  fill(left: number, top: number, right: number, bottom: number, colour: number): void
  line(x0: number, y0: number, x1: number, y1: number, thick: number, colour: number): void
  /** Draws letters and digits of 3 by 5 dots, in capitals. Each dot is `scale` pixels wide. */
  text(text: string, left: number, top: number, scale: number, colour: number): void
}

// 0–9 and A–Z as three base-36 digits each: 15 dots from the upper left.
const glyphs =
  'odr8t3mw7mofi4po27o33mkyohbogf8odl9qbabl7yo13o10bcbi5pn133myi3xeg7iy5l7x8kql9g8k1l9pb66n0yi27i22i65hwthw2mnb'

/** Creates a canvas filled with colour 0. */
export function createCanvas(width: number, height: number): Canvas {
  const pixels = new Uint8Array(width * height)
  const canvas: Canvas = {
    width,
    height,
    pixels,
    fill(left, top, right, bottom, colour) {
      for (let y = Math.max(0, top); y < Math.min(height, bottom); y += 1) {
        pixels.fill(colour, y * width + left, y * width + right)
      }
    },
    line(x0, y0, x1, y1, thick, colour) {
      const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1)
      for (let step = 0; step <= steps; step += 1) {
        const x = Math.round(x0 + ((x1 - x0) * step) / steps - thick / 2)
        const y = Math.round(y0 + ((y1 - y0) * step) / steps - thick / 2)
        canvas.fill(x, y, x + thick, y + thick, colour)
      }
    },
    text(text, left, top, scale, colour) {
      for (const [index, char] of [...text.toUpperCase()].entries()) {
        const dots = glyphOf(char)
        for (let dot = 0; dot < 15; dot += 1) {
          if (((dots >> (14 - dot)) & 1) === 0) continue
          const x = left + (index * 4 + (dot % 3)) * scale
          const y = top + Math.floor(dot / 3) * scale
          canvas.fill(x, y, x + scale, y + scale, colour)
        }
      }
    },
  }
  return canvas
}

function glyphOf(char: string): number {
  const index = Number.parseInt(char, 36)
  return Number.isNaN(index) ? 0 : Number.parseInt(glyphs.slice(index * 3, index * 3 + 3), 36)
}

import { describe, expect, it } from 'vitest'
import { drawChart, seriesFor } from '../../../src/emulator/artefacts/chart.ts'

const series = seriesFor('Draw a chart.')

interface Picture {
  readonly width: number
  readonly height: number
  /** Six hex digits. */
  at(x: number, y: number): string
}

/** Decodes an 8-bit palette PNG without filters, and checks every length and checksum. */
async function decode(png: Uint8Array): Promise<Picture> {
  expect([...png.subarray(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10])
  const view = new DataView(png.buffer, png.byteOffset)
  const chunks: Record<string, Uint8Array<ArrayBuffer>> = {}
  let at = 8
  while (at < png.byteLength) {
    const length = view.getUint32(at)
    const type = new TextDecoder().decode(png.subarray(at + 4, at + 8))
    expect(view.getUint32(at + 8 + length)).toBe(crcByTable(png.subarray(at + 4, at + 8 + length)))
    chunks[type] = png.slice(at + 8, at + 8 + length)
    at += length + 12
  }
  expect(Object.keys(chunks)).toEqual(['IHDR', 'PLTE', 'IDAT', 'IEND'])
  const { IHDR = new Uint8Array(), PLTE = new Uint8Array(), IDAT = new Uint8Array() } = chunks
  const header = new DataView(IHDR.buffer)
  const [width, height] = [header.getUint32(0), header.getUint32(4)]
  expect([...IHDR.subarray(8)]).toEqual([8, 3, 0, 0, 0])
  const inflated = new Blob([IDAT]).stream().pipeThrough(new DecompressionStream('deflate'))
  const rows = new Uint8Array(await new Response(inflated).arrayBuffer())
  expect(rows.byteLength).toBe((width + 1) * height)
  for (let y = 0; y < height; y += 1) expect(rows[y * (width + 1)]).toBe(0)
  const colourAt = (x: number, y: number) => {
    const index = (rows[y * (width + 1) + 1 + x] ?? 0) * 3
    return Array.from(PLTE.subarray(index, index + 3), (byte) =>
      byte.toString(16).padStart(2, '0'),
    ).join('')
  }
  return { width, height, at: colourAt }
}

function crcByTable(bytes: Uint8Array): number {
  const table = Uint32Array.from({ length: 256 }, (_, index) => {
    let crc = index
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    return crc
  })
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] ?? 0)
  return (crc ^ 0xffffffff) >>> 0
}

/** The number of pixels of a colour, in a column or in the whole picture. */
function count({ width, height, at }: Picture, colour: string, column?: number): number {
  let found = 0
  for (let x = column ?? 0; x <= (column ?? width - 1); x += 1) {
    for (let y = 0; y < height; y += 1) if (at(x, y) === colour) found += 1
  }
  return found
}

const [white, ink, bar] = ['ffffff', '26323d', '2e86ab']

describe('a chart', () => {
  it('is a PNG with a bar of the right height for each value, on two axes', async () => {
    const picture = await decode(await drawChart(series))
    const { width, height } = picture
    expect([width, height]).toEqual([640, 400])
    const slot = (width - 76) / series.values.length
    for (const [index, value] of series.values.entries()) {
      const middle = Math.round(56 + slot * (index + 0.5))
      expect(count(picture, bar, middle)).toBe(Math.round(value * 2.6))
      expect(count(picture, bar, Math.round(56 + slot * index) + 2)).toBe(0)
    }
    expect(count(picture, ink, 55)).toBeGreaterThan(250)
    expect(count(picture, white)).toBeGreaterThan((width * height) / 3)
    // The title, the values and the labels.
    expect(count(picture, ink)).toBeGreaterThan(2500)
  })

  it('is a line on request, which crosses every column between its ends', async () => {
    const line = seriesFor('a line chart of monthly sales')
    const picture = await decode(await drawChart(line))
    const slot = (picture.width - 76) / 12
    for (let x = Math.round(56 + slot); x < 56 + slot * 11; x += 1) {
      expect(count(picture, bar, x)).toBeGreaterThan(0)
    }
    expect(count(picture, bar)).toBeLessThan(20_000)
  })
})

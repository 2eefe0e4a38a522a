import { describe, expect, it } from 'vitest'
import { artefact, drawChart, seriesFor } from '../../src/emulator/artefact.ts'
import { bytesOf, citationsOf, first, openEmulator } from './ask.ts'
import { readZip } from './zip.ts'

const series = seriesFor('Draw the sales of four quarters.')

async function textOf(name: string): Promise<string> {
  const { read, bytes } = await artefact(name, series)
  return new TextDecoder().decode(read(0, bytes))
}

describe('the files that are written', () => {
  it('are equal for equal prompts, and different for different prompts', async () => {
    const asking = openEmulator()
    const write = async (prompt: string) =>
      bytesOf(await asking.content(first(await asking.cited(prompt))))
    expect(await write('a CSV')).toEqual(await write('a CSV'))
    expect(await write('a CSV')).not.toEqual(await write('another CSV'))
  })

  it('differ from one another if several of a kind are requested', async () => {
    const asking = openEmulator()
    const texts = await Promise.all(
      (await asking.cited('three CSV files')).map(async (file) =>
        (await asking.content(file)).text(),
      ),
    )
    expect(new Set(texts).size).toBe(3)
  })

  it('show the same numbers', async () => {
    const csv = await textOf('a.csv')
    const rows = csv
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','))
    expect(rows[0]).toEqual(['quarter', 'sales'])
    expect(rows.slice(1)).toEqual(series.labels.map((label, at) => [label, `${series.values[at]}`]))
    const pairs = JSON.stringify(Object.fromEntries(rows.slice(1).map(([a, b]) => [a, Number(b)])))
    expect(JSON.stringify(JSON.parse(await textOf('a.json')).rows)).toBe(pairs)
    expect(await textOf('a.tsv')).toBe(csv.replaceAll(',', '\t'))
    for (const value of series.values) {
      for (const name of ['a.txt', 'a.html', 'a.svg', 'a.pdf']) {
        expect(await textOf(name)).toContain(String(value))
      }
    }
  })

  it('have as many rows as the prompt says', () => {
    expect(seriesFor('monthly sales').labels).toHaveLength(12)
    expect(seriesFor('a week, by day').labels).toHaveLength(7)
    expect(seriesFor('whatever').labels).toEqual(['Q1', 'Q2', 'Q3', 'Q4'])
  })

  it('include a PDF whose table points at its objects', async () => {
    const text = await textOf('a.pdf')
    const start = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(text)?.[1])
    expect(text.slice(start)).toMatch(/^xref\n0 6\n/)
    const offsets = [...text.slice(start).matchAll(/^(\d{10}) 00000 n $/gm)].map(([, at]) =>
      Number(at),
    )
    for (const [index, at] of offsets.entries()) {
      expect(text.slice(at)).toMatch(new RegExp(`^${index + 1} 0 obj\n`))
    }
    const [, length, page = ''] = /\/Length (\d+)>>\nstream\n([\s\S]*?)\nendstream/.exec(text) ?? []
    expect(page).toHaveLength(Number(length))
  })

  it('include a spreadsheet with the rows', async () => {
    const { read, bytes } = await artefact('a.xlsx', series)
    const parts = readZip(read(0, bytes))
    expect(Object.keys(parts)).toEqual([
      '[Content_Types].xml',
      '_rels/.rels',
      'xl/workbook.xml',
      'xl/_rels/workbook.xml.rels',
      'xl/worksheets/sheet1.xml',
    ])
    const sheet = parts['xl/worksheets/sheet1.xml'] ?? ''
    const cells = [...sheet.matchAll(/<c r="([AB]\d)"[^>]*>(?:<is><t>|<v>)([^<]*)</g)]
    expect(cells.map(([, place, value]) => [place, value])).toEqual([
      ['A1', 'quarter'],
      ['B1', 'sales'],
      ...series.labels.flatMap((label, at) => [
        [`A${at + 2}`, label],
        [`B${at + 2}`, String(series.values[at])],
      ]),
    ])
  })

  it('include a zip of a table and a report', async () => {
    const { read, bytes } = await artefact('a.zip', series)
    expect(readZip(read(0, bytes))).toEqual({
      'sales.csv': await textOf('a.csv'),
      'report.txt': await textOf('a.txt'),
    })
  })
})

describe('a file of a given size', () => {
  it.each([0, 1, 65_535, 65_536, 65_537, 1_000_000])('has exactly %i bytes', async (bytes) => {
    const asking = openEmulator()
    const file = first(await asking.cited(`a file of ${bytes} bytes`))
    expect((await bytesOf(await asking.content(file))).byteLength).toBe(bytes)
  })

  it('repeats no block, so that a lost or repeated one is noticed', async () => {
    const asking = openEmulator()
    const file = first(await asking.cited('a 1 MiB file'))
    const bytes = await bytesOf(await asking.content(file))
    const blocks = Array.from({ length: 16 }, (_, at) =>
      bytes.slice(at * 65_536, (at + 1) * 65_536).join(),
    )
    expect(new Set(blocks).size).toBe(16)
  })

  it('stays unchanged if a reader of a large file transfers the buffers', async () => {
    const asking = openEmulator()
    const file = first(await asking.cited('a 20 MB file'))
    const whole = await bytesOf(await asking.content(file))
    const reader = (await asking.content(file)).body?.getReader()
    let offset = 0
    for (;;) {
      const { value } = (await reader?.read()) ?? {}
      if (value === undefined) break
      const piece = structuredClone(value, { transfer: [value.buffer] })
      expect(piece).toEqual(whole.subarray(offset, offset + piece.byteLength))
      offset += piece.byteLength
      if (offset > 3e6) break
    }
    await reader?.cancel()
    expect(offset).toBeGreaterThan(3e6)
  })

  it('is text if its extension says so', async () => {
    const asking = openEmulator()
    const text = await (await asking.content(first(await asking.cited('100 KB as a.csv')))).text()
    expect(text).toMatch(/^[\w.\n]{100000}$/)
  })

  it('is not a picture, so it has no automatic plot', async () => {
    const response = await openEmulator().respond('100 KB as a.png')
    expect(citationsOf(response)).toHaveLength(1)
  })
})

const chart = seriesFor('Draw a chart.')

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
    const picture = await decode(await drawChart(chart))
    const { width, height } = picture
    expect([width, height]).toEqual([640, 400])
    const slot = (width - 76) / chart.values.length
    for (const [index, value] of chart.values.entries()) {
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

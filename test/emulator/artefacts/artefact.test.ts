import { describe, expect, it } from 'vitest'
import { artefact } from '../../../src/emulator/artefacts/artefact.ts'
import { seriesFor } from '../../../src/emulator/artefacts/chart.ts'
import { bytesOf, citationsOf, first, openEmulator } from '../ask.ts'
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

  it('agree on the numbers', async () => {
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

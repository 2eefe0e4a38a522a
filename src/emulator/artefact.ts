/**
 * Creates the files that the emulator writes. They are valid files of their type, and equal for equal prompts.
 *
 * @module
 */

import { type Content, fixed, random, textContent } from './content.ts'
import { endingOf } from './plan.ts'
import { bigEndian32, crc32, join, spreadsheet, storedZip } from './zip.ts'

/**
 * Creates a file of the type that the name's extension says; plain text for an unknown extension.
 *
 * @param name only its extension counts
 * @param series numbers that the file shows
 */
export async function artefact(name: string, series: Series): Promise<Content> {
  switch (endingOf(name)) {
    case 'png':
      return fixed(await drawChart(series))
    case 'xlsx':
      return fixed(spreadsheet(series.title, toRows(series)))
    case 'zip':
      return fixed(
        storedZip({ 'sales.csv': toText('csv', series), 'report.txt': toText('txt', series) }),
      )
    default:
      return textContent(toText(endingOf(name), series))
  }
}

/**
 * Writes a text format. Each format has the same rows.
 *
 * @param ending extension in lower case
 */
function toText(ending: string, series: Series): string {
  const { title } = series
  const rows = toRows(series)
  const lines = (join: string) => rows.map((row) => `${row.join(join)}\n`).join('')
  switch (ending) {
    case 'csv':
      return lines(',')
    case 'tsv':
      return lines('\t')
    case 'json':
      return `${JSON.stringify({ title, rows: Object.fromEntries(rows.slice(1)) }, null, 2)}\n`
    case 'html':
    case 'htm':
      return `<!doctype html><meta charset="utf-8"><title>${title}</title><h1>${title}</h1><table>${rows.map((row) => `<tr><td>${row.join('<td>')}`).join('')}</table><script>document.title += ' (script ran)'</script>\n`
    case 'svg':
      return toSvg(series)
    case 'pdf':
      return pdf([title, ...rows.map((row) => row.join(': '))])
    default:
      return `${title}\n\n${lines(': ')}\nWritten by cfile's emulator; no Python ran.\n`
  }
}

/** Writes a bar chart in SVG, a format that a gateway must not show inline because it may run scripts. */
function toSvg({ values }: Series): string {
  const bars = values.map(
    (value, x) => `<rect x="${x * 20 + 2}" y="${100 - value}" width="16" height="${value}"/>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${values.length * 20} 100">${bars.join('')}</svg>\n`
}

/** Writes a PDF from lines of ASCII without parentheses. The first line is the title. */
function pdf(lines: readonly string[]): string {
  const operators = lines.map((line) => `(${line}) Tj T*`).join('\n')
  const page = `BT /F1 16 Tf 24 TL 72 720 Td\n${operators}\nET`
  const objects = [
    '<</Type /Catalog /Pages 2 0 R>>',
    '<</Type /Pages /Kids [3 0 R] /Count 1>>',
    '<</Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources <</Font <</F1 5 0 R>>>>>>',
    `<</Length ${page.length}>>\nstream\n${page}\nendstream`,
    '<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>',
  ]
  let text = '%PDF-1.4\n'
  let table = '0000000000 65535 f \n'
  for (const [index, object] of objects.entries()) {
    table += `${String(text.length).padStart(10, '0')} 00000 n \n`
    text += `${index + 1} 0 obj\n${object}\nendobj\n`
  }
  const size = objects.length + 1
  return `${text}xref\n0 ${size}\n${table}trailer\n<</Size ${size} /Root 1 0 R>>\nstartxref\n${text.length}\n%%EOF\n`
}

/** One value from 0 to 100 for each label. */
export interface Series {
  readonly title: string
  /** The meaning of the labels, used as head of the first column. The second column is `sales`. */
  readonly unit: string
  readonly labels: readonly string[]
  readonly values: readonly number[]
  /** The chart type. */
  readonly chart: 'bar' | 'line'
}

const units: readonly [unit: string, labels: string][] = [
  ['month', 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'],
  ['day', 'Mon Tue Wed Thu Fri Sat Sun'],
  ['quarter', 'Q1 Q2 Q3 Q4'],
]

/**
 * The series for a prompt: months, days or quarters, as the prompt says.
 *
 * @param prompt also the seed: equal prompts give equal numbers
 */
export function seriesFor(prompt: string): Series {
  const next = random(prompt)
  const named = units.find(([unit]) =>
    new RegExp(`${unit}|${unit === 'day' ? 'week' : unit}ly`, 'i').test(prompt),
  )
  const [unit, names] = named ?? ['quarter', 'Q1 Q2 Q3 Q4']
  const labels = names.split(' ')
  return {
    title: `Sales by ${unit}`,
    unit,
    labels,
    values: labels.map(() => 15 + ((next() >>> 8) % 84)),
    chart: /\bline\b/i.test(prompt) ? 'line' : 'bar',
  }
}

/** The rows of a table: its head, then a label and a value each. */
function toRows({ unit, labels, values }: Series): (string | number)[][] {
  return [[unit, 'sales'], ...labels.map((label, index) => [label, values[index] ?? 0])]
}

const ink = 1
const grid = 2
const bar = 3
const faint = 4

const palette = ['ffffff', '26323d', 'dfe4e8', '2e86ab', '8b98a3']

/**
 * Draws a chart with title, axes and all values, as a PNG.
 *
 * @param series at most twelve labels of three letters, which is what {@link seriesFor} makes
 * @returns a PNG of 640 × 400 pixels
 */
export function drawChart(series: Series): Promise<Uint8Array<ArrayBuffer>> {
  const { labels, values, title, chart } = series
  const canvas = createCanvas(640, 400)
  const { width, height } = canvas
  const [left, floor, unit] = [56, height - 56, 2.6]
  const yOf = (value: number): number => floor - Math.round(value * unit)
  canvas.text(title, left, 20, 4, ink)
  canvas.text('made by the emulator of cfile', left, height - 18, 2, faint)
  for (let mark = 0; mark <= 100; mark += 25) {
    canvas.fill(left, yOf(mark), width - 20, yOf(mark) + 1, grid)
    canvas.text(String(mark).padStart(3), left - 40, yOf(mark) - 5, 3, ink)
  }
  const slot = (width - 20 - left) / labels.length
  const points = values.map((value, index) => ({
    x: Math.round(left + slot * (index + 0.5)),
    y: yOf(value),
    value,
    label: labels[index] ?? '',
  }))
  for (const [index, { x, y, value, label }] of points.entries()) {
    // If the line comes from above, the value fits only below it.
    const nearby = Math.max(values[index - 1] ?? 0, values[index + 1] ?? 0)
    const isBelow = chart === 'line' && nearby > value + 8
    canvas.text(String(value), x - 10, isBelow ? y + 10 : y - 22, 3, ink)
    canvas.text(label, x - label.length * 6, floor + 10, 3, ink)
  }
  // Drawn after the texts, so that no text interrupts the line.
  for (const [index, { x, y }] of points.entries()) {
    const half = Math.round(slot * 0.3)
    if (chart === 'bar') canvas.fill(x - half, y, x + half, floor, bar)
    else canvas.fill(x - 5, y - 5, x + 5, y + 5, bar)
    const next = points[index + 1]
    if (chart === 'line' && next) canvas.line(x, y, next.x, next.y, 4, bar)
  }
  canvas.fill(left - 2, yOf(100), left, floor + 2, ink)
  canvas.fill(left - 2, floor, width - 20, floor + 2, ink)
  return encodePng(canvas, palette)
}

/** Encodes pixels. Colours are six hex digits each. */
async function encodePng(
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

/** A chunk of a PNG: length, type, data, CRC of type and data. */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = join(type, data)
  return join(bigEndian32(data.byteLength), body, bigEndian32(crc32(body)))
}

/** A picture with colours of a palette. `right` and `bottom` of a rectangle are excluded. */
interface Canvas {
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
function createCanvas(width: number, height: number): Canvas {
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

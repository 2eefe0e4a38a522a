/**
 * Draws a series as a bar or line chart.
 *
 * @module
 */

import { createCanvas, encodePng } from './png.ts'
import type { Series } from './series.ts'

const ink = 1
const grid = 2
const bar = 3
const faint = 4

const palette = ['ffffff', '26323d', 'dfe4e8', '2e86ab', '8b98a3']

/** Draws a chart with title, axes and all values, as a PNG. */
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
  // Drawn after the words, so that no word interrupts the line.
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

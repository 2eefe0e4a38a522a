/**
 * Tables: aligned columns that fit the terminal, and the findings of `cfile doctor`.
 *
 * @module
 */

import type { Finding } from './examine-upstream.ts'
import type { Output } from './terminal.ts'
import { plain, shorten, widthOf, wrap } from './text.ts'

/** A column of a table. */
export interface Column<Row> {
  /** Shown on a terminal only. */
  readonly title: string
  /** Exact value, for pipes. */
  readonly value: (row: Row) => string | number
  /** Text for a terminal. @default value */
  readonly shown?: (row: Row) => string
  /** Numbers are aligned to the right. */
  readonly isNumber?: boolean
  /** Whether it may be shortened on a narrow terminal. */
  readonly isFlexible?: boolean
}

const leastFlexible = 12

/**
 * Writes a table. A terminal gets titles and lines that fit, a pipe gets all values whole.
 *
 * @param columns from left to right
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { isTerminal, width, paint }: Output,
): string {
  const cells = rows.map((row) =>
    columns.map(({ value, shown }) => {
      return plain(isTerminal && shown ? shown(row) : String(value(row)))
    }),
  )
  const titles = columns.map(({ title }) => title)
  const all = isTerminal ? [titles, ...cells] : cells
  const widths = columns.map((_, at) => Math.max(...all.map((line) => widthOf(line[at] ?? ''))))
  if (isTerminal) narrow(columns, widths, width())
  const lines = all.map((line) => formatLine(columns, line, widths))
  if (isTerminal) lines[0] = paint('dim', lines[0] ?? '')
  return lines.join('\n')
}

/** Narrows the flexible columns until the table fits. */
function narrow(columns: readonly Column<never>[], widths: number[], width: number): void {
  const flexible = columns.flatMap(({ isFlexible }, at) => (isFlexible ? [at] : []))
  const used = widths.reduce((sum, one) => sum + one, 2 * (widths.length - 1))
  let over = used - width
  for (const at of flexible) {
    const spare = Math.max(Math.min((widths[at] ?? 0) - leastFlexible, over), 0)
    widths[at] = (widths[at] ?? 0) - spare
    over -= spare
  }
}

function formatLine(
  columns: readonly Column<never>[],
  cells: readonly string[],
  widths: readonly number[],
): string {
  const padded = cells.map((cell, at) => {
    const text = shorten(cell, widths[at] ?? 0)
    const blanks = ' '.repeat((widths[at] ?? 0) - widthOf(text))
    return columns[at]?.isNumber ? blanks + text : text + blanks
  })
  return padded.join('  ').trimEnd()
}

const marks = { ok: 'ok', failed: 'FAIL', note: '-' } as const
const styles = { ok: 'green', failed: 'red', note: 'dim' } as const

/**
 * Writes findings as lines, each cure below its failure.
 *
 * @param width longest line, in terminal columns
 * @param paint adds colours
 */
export function formatFindings(
  findings: readonly Finding[],
  width: number,
  paint: Output['paint'],
): string {
  const column = Math.max(...findings.map(({ what }) => what.length)) + 2
  const indent = 8 + column
  const rows = findings.flatMap(({ state, what, found, cure }) => [
    `  ${paint(styles[state], marks[state])}${' '.repeat(6 - marks[state].length)}${what.padEnd(column)}${hang(found, indent, width)}`,
    ...(cure === undefined ? [] : [`${' '.repeat(indent)}${hang(`> ${cure}`, indent + 2, width)}`]),
  ])
  return rows.join('\n')
}

/** Wraps a text that begins at a column, and indents its further lines to that column. */
function hang(text: string, indent: number, width: number): string {
  return wrap(text, Math.max(width - indent, 30)).join(`\n${' '.repeat(indent)}`)
}

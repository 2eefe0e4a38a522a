/**
 * Tables for a terminal: aligned columns, and findings that wrap at its width.
 *
 * @module
 */

import type { Finding } from './examine.ts'

const marks = { ok: 'ok', failed: 'FAIL', note: '-' } as const

/** Writes findings as lines of at most `width` columns, each cure below its failure. */
export function formatFindings(findings: readonly Finding[], width: number): string {
  const column = Math.max(...findings.map(({ what }) => what.length)) + 2
  const indent = 8 + column
  const rows = findings.flatMap(({ state, what, found, cure }) => [
    `  ${marks[state].padEnd(6)}${what.padEnd(column)}${wrap(found, indent, width)}`,
    ...(cure === undefined ? [] : [`${' '.repeat(indent)}${wrap(`> ${cure}`, indent + 2, width)}`]),
  ])
  return `${rows.join('\n')}\n`
}

function wrap(text: string, indent: number, width: number): string {
  const room = Math.max(width - indent, 30)
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length > room && line !== '') {
      lines.push(line)
      line = word
    } else {
      line = longer
    }
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`)
}

/** Aligns rows in columns: numbers to the right, the rest to the left; the last column is not padded. */
export function align(rows: readonly (string | number)[][]): string[] {
  const [first = []] = rows
  const widths = first.map((_, column) =>
    Math.max(...rows.map((row) => plain(row[column] ?? '').length)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => {
        if (column === row.length - 1) return plain(cell)
        const [text, width] = [plain(cell), widths[column] ?? 0]
        return typeof cell === 'number' ? text.padStart(width) : text.padEnd(width)
      })
      .join('  '),
  )
}

/** Replaces control characters: a name with a line's end in it would look like two files. */
function plain(cell: string | number): string {
  return String(cell).replace(/\p{C}/gu, '\uFFFD')
}

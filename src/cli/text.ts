/**
 * Text for people on a terminal: numbers, times, widths and tables.
 *
 * @module
 */

import { type Output, UsageError } from './command.ts'

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB']

/** Writes a size: `512 B`, `4.2 MB`. Units are powers of 1000. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0]
  // 999.95 would be written as 1000.0.
  while (value >= (unit === 0 ? 1000 : 999.95) && unit < byteUnits.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${byteUnits[unit]}`
}

const minute = 60
const hour = 60 * minute
const day = 24 * hour

/** Writes a duration in its two largest units: `40 s`, `2 min 5 s`, `1 h 30 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < minute) return `${whole} s`
  if (whole < hour) return joined([Math.floor(whole / minute), 'min'], [whole % minute, 's'])
  const minutes = Math.round(whole / minute)
  if (minutes < 24 * 60) return joined([Math.floor(minutes / 60), 'h'], [minutes % 60, 'min'])
  const hours = Math.round(whole / hour)
  return joined([Math.floor(hours / 24), 'd'], [hours % 24, 'h'])
}

function joined(...parts: readonly (readonly [count: number, unit: string])[]): string {
  return parts
    .filter(([count]) => count > 0)
    .map((part) => part.join(' '))
    .join(' ')
}

/** Writes how long ago something was: `just now`, `5 min ago`. */
export function formatAge(seconds: number): string {
  if (seconds < 10) return 'just now'
  if (seconds < minute) return `${Math.floor(seconds)} s ago`
  if (seconds < hour) return `${Math.floor(seconds / minute)} min ago`
  if (seconds < day) return `${Math.floor(seconds / hour)} h ago`
  return `${Math.floor(seconds / day)} d ago`
}

const durationGrammar = /^(?:(\d{1,6})d)?(?:(\d{1,7})h)?(?:(\d{1,8})m)?(?:(\d{1,10})s?)?$/

/**
 * Reads a duration: seconds (`3600`), or units from the largest to the smallest (`1h`, `30m`, `1d12h`).
 *
 * @param option name of the option, for the message
 * @param text the value that was given
 * @returns seconds
 * @throws UsageError
 */
export function parseDuration(option: string, text: string): number {
  const [whole, ...counts] = durationGrammar.exec(text) ?? []
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = counts.map((count) => Number(count ?? 0))
  const total = days * day + hours * hour + minutes * minute + seconds
  if (whole && total > 0) return total
  throw new UsageError(`${option} takes a duration such as 45s, 30m, 1h, 2d or 3600 (seconds).`)
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
const segmenter = new Intl.Segmenter()

/** Returns the number of terminal columns of a text. East Asian characters and emoji take two. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of segmenter.segment(text)) {
    width += wide.test(segment) ? 2 : /^\p{M}/u.test(segment) ? 0 : 1
  }
  return width
}

/**
 * Shortens a text to a width, with `…` in the middle so that the ending of a file name stays.
 *
 * @param width in terminal columns
 */
export function shorten(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  const segments = [...segmenter.segment(text)].map(({ segment }) => segment)
  const room = Math.max(width - 1, 0)
  const end = takeWidth(segments.toReversed(), Math.floor(room / 2)).toReversed()
  const start = takeWidth(segments, room - widthOf(end.join('')))
  return `${start.join('')}…${end.join('')}`
}

function takeWidth(segments: readonly string[], width: number): string[] {
  let used = 0
  const end = segments.findIndex((segment) => {
    used += widthOf(segment)
    return used > width
  })
  return segments.slice(0, end === -1 ? undefined : end)
}

/**
 * Breaks a text into lines at its blanks. A word that is longer than a line stays whole.
 *
 * @param width longest line, in terminal columns
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && widthOf(longer) > width) {
      lines.push(line)
      line = word
    } else {
      line = longer
    }
  }
  return [...lines, line]
}

/** Replaces control characters, because a file name with a line break would look like two files. */
export function plain(text: string): string {
  return text.replace(/\p{C}/gu, '\uFFFD')
}

/** A column of a table. */
export interface Column<Row> {
  /** Title above the column; terminals only. */
  readonly title: string
  /** Exact value, for pipes. */
  readonly value: (row: Row) => string | number
  /** Text for a terminal. @default value */
  readonly terminalText?: (row: Row) => string
  /** Numbers are aligned to the right. */
  readonly isNumber?: boolean
  /** Whether it may be shortened on a narrow terminal. */
  readonly isFlexible?: boolean
}

const leastFlexible = 12

/**
 * Formats a table. A terminal gets titles and lines that fit, a pipe gets whole values.
 *
 * @param columns from left to right
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { isTerminal, width, paint }: Output,
): string {
  const cells = rows.map((row) =>
    columns.map(({ value, terminalText }) =>
      plain(isTerminal && terminalText ? terminalText(row) : String(value(row))),
    ),
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

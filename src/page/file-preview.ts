/**
 * The preview of a file: a picture, the first rows of a table (CSV, TSV), or the first lines of a text. Files are not
 * trusted: their markup is never rendered, and rows, columns, cells and lines are bounded.
 *
 * @module
 */

import { html } from 'hono/html'
import type { PreviewedFile, TextStart } from '../gateway/containers/describe.ts'
import type { Markup } from './frame.ts'

/**
 * Writes the preview of a file; `undefined` if there is none.
 *
 * @param start the beginning of a text file, if it was read
 */
export function filePreview({
  filename,
  kind,
  start,
  view_url,
}: PreviewedFile): Markup | undefined {
  const name = filename
  if (kind === 'Picture' && view_url !== undefined) {
    return html`<a class="shot" href="${view_url}"><img src="${view_url}" alt="${name}" loading="lazy"></a>`
  }
  if (start === undefined) return undefined
  if (start.text === '') return html`<p class="dim">The file is empty.</p>`
  return kind === 'Table' ? tableOf(name, start) : linesOf(name, start)
}

/**
 * The first rows of a table, whose first row is its header.
 *
 * @param name name of the file, for screen readers
 */
function tableOf(name: string, { text, isWhole }: TextStart): Markup {
  const { rows, isCut } = parseTable(toPrintable(text), isWhole)
  const [head = [], ...body] = rows
  // An empty cell does not name its column, so it is no header.
  const header = head.map((cell) => (cell === '' ? html`<td>` : html`<th scope="col">${cell}`))
  const lines = body.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}`)}`)
  const note = `First ${body.length} rows.`
  return html`<div class="scroll" tabindex="0" role="region" aria-label="First rows of ${name}"><table><thead><tr>${header}<tbody>${lines}</table></div>${noteOf(isCut, note)}`
}

const mostLines = 40
const mostLineCharacters = 400

/**
 * The first lines of a text. Long lines are cut.
 *
 * @param name name of the file, for screen readers
 */
function linesOf(name: string, { text, isWhole }: TextStart): Markup {
  const lines = toPrintable(text).split(/\r\n?|\n/)
  const first = lines.slice(0, mostLines)
  const isCut =
    !isWhole || lines.length > mostLines || first.some((line) => line.length > mostLineCharacters)
  const cutLines = first.map((line) =>
    line.length > mostLineCharacters ? `${line.slice(0, mostLineCharacters)}…` : line,
  )
  // HTML drops a line break right behind the tag.
  const content = `\n${cutLines.join('\n')}`
  const note = `First ${first.length} lines.`
  return html`<pre tabindex="0" role="region" aria-label="First lines of ${name}">${content}</pre>${noteOf(isCut, note)}`
}

/** The note below a preview that is cut. */
function noteOf(isCut: boolean, note: string): Markup | undefined {
  return isCut ? html`<p class="dim">${note}</p>` : undefined
}

/** Replaces control characters, most of which HTML does not allow. */
function toPrintable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\t\r\n]/gu, '\ufffd')
}

/** The first rows of a table. */
interface TableStart {
  readonly rows: readonly (readonly string[])[]
  /** Whether rows or columns were left out. */
  readonly isCut: boolean
}

const mostRows = 50
const mostColumns = 30
const mostCellCharacters = 200

/**
 * Reads the first rows by the rules of RFC 4180. A comma, a semicolon, a tab or a bar separates cells, whichever the
 * first line has most of.
 *
 * @param isWhole whether the text is all of the file; if not, its last row is incomplete and left out
 */
export function parseTable(text: string, isWhole: boolean): TableStart {
  const rows = parseRows(text, separatorOf(text), mostRows + 2)
  if (!isWhole && rows.length > 1 && rows.length < mostRows + 2) rows.pop()
  const first = rows.slice(0, mostRows + 1)
  return {
    rows: first.map((row) => row.slice(0, mostColumns).map(cutCell)),
    isCut: !isWhole || rows.length > first.length || first.some((row) => row.length > mostColumns),
  }
}

/** Cuts a long cell. */
function cutCell(cell: string): string {
  return cell.length > mostCellCharacters ? `${cell.slice(0, mostCellCharacters)}…` : cell
}

/** The character that separates cells: the most frequent one in the first line, outside of quotes. */
function separatorOf(text: string): string {
  const [line = ''] = /^.*/.exec(text.replaceAll(/"[^"]*"/g, '')) ?? []
  const count = (separator: string): number => line.split(separator).length
  return [',', ';', '\t', '|'].reduce((best, other) => (count(other) > count(best) ? other : best))
}

/**
 * Splits a text into rows and cells (RFC 4180).
 *
 * @param most rows that are read
 */
function parseRows(text: string, separator: string, most: number): string[][] {
  const end = `\\${separator}`
  // A quoted cell may lack its closing quote, where the text was cut.
  const cell = new RegExp(
    `(?:"([^"]*(?:""[^"]*)*)(?:"|$)([^${end}\\r\\n]*)|([^${end}\\r\\n]*))(${end}|\\r\\n?|\\n|$)`,
    'y',
  )
  const rows: string[][] = []
  let row: string[] = []
  while (rows.length < most) {
    const [, quoted, after = '', plain = '', ended] = cell.exec(text) ?? []
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"') + after)
    if (ended === separator) continue
    rows.push(row)
    row = []
    if (!ended || cell.lastIndex === text.length) break
  }
  return rows
}

/**
 * Reads the first rows of CSV and TSV files for a preview. Rows, columns and cells are bounded, since the files are not
 * trusted.
 *
 * @module
 */

/** The first rows of a table. */
export interface TableStart {
  readonly rows: readonly (readonly string[])[]
  /** Whether rows or columns were left out. */
  readonly isCut: boolean
}

const mostRows = 50
const mostColumns = 30
const mostCharacters = 200

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

function cutCell(cell: string): string {
  return cell.length > mostCharacters ? `${cell.slice(0, mostCharacters)}…` : cell
}

function separatorOf(text: string): string {
  const [line = ''] = /^.*/.exec(text.replaceAll(/"[^"]*"/g, '')) ?? []
  const count = (separator: string): number => line.split(separator).length
  return [',', ';', '\t', '|'].reduce((best, other) => (count(other) > count(best) ? other : best))
}

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

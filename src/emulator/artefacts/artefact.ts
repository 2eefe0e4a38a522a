/**
 * Creates the files that the emulator writes. They are valid files of their kind, and equal for equal prompts.
 *
 * @module
 */

import { type Content, fixed, textContent } from '../content.ts'
import { endingOf } from '../plan.ts'
import { drawChart, type Series, toRows } from './chart.ts'
import { spreadsheet, storedZip } from './zip.ts'

/**
 * Creates a file of the kind that the name's extension says; plain text for an unknown extension.
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
 * The text formats: each shows the same rows.
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

/** A bar chart in SVG, as a format that a gateway must not show inline: it may run scripts. */
function toSvg({ values }: Series): string {
  const bars = values.map(
    (value, x) => `<rect x="${x * 20 + 2}" y="${100 - value}" width="16" height="${value}"/>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${values.length * 20} 100">${bars.join('')}</svg>\n`
}

/** Writes a PDF from lines of ASCII without parentheses. The first line is the title. */
function pdf(lines: readonly string[]): string {
  const shown = lines.map((line) => `(${line}) Tj T*`).join('\n')
  const page = `BT /F1 16 Tf 24 TL 72 720 Td\n${shown}\nET`
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

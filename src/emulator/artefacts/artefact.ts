/**
 * Creates the files that the emulator writes. They are valid files of their kind, and equal for equal prompts.
 *
 * @module
 */

import { type Content, fixed, textContent } from '../content.ts'
import { endingOf } from '../ending.ts'
import { drawChart } from './chart.ts'
import { pdf } from './pdf.ts'
import { type Series, toRows } from './series.ts'
import { spreadsheet } from './xlsx.ts'
import { storedZip } from './zip.ts'

/** Creates a file of the kind that the name's extension says; plain text for an unknown extension. */
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

function toSvg({ values }: Series): string {
  const bars = values.map(
    (value, x) => `<rect x="${x * 20 + 2}" y="${100 - value}" width="16" height="${value}"/>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${values.length * 20} 100">${bars.join('')}</svg>\n`
}

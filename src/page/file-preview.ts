/**
 * The preview of a file: a picture, the first rows of a table, the first lines of a text. Everything in it is text or
 * an image; markup of files is never rendered.
 *
 * @module
 */

import { html } from 'hono/html'
import type { PreviewedFile, TextStart } from '../gateway/containers/preview.ts'
import type { Markup } from './frame.ts'
import { parseTable } from './table.ts'

/** Writes the preview of a file; `undefined` if there is none. */
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

function tableOf(name: string, { text, isWhole }: TextStart): Markup {
  const { rows, isCut } = parseTable(toPrintable(text), isWhole)
  const [head = [], ...body] = rows
  // An empty header cell has nothing to name its column.
  const header = head.map((cell) => (cell === '' ? html`<td>` : html`<th scope="col">${cell}`))
  const lines = body.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}`)}`)
  const note = `First ${body.length} rows.`
  return html`<div class="scroll" tabindex="0" role="region" aria-label="First rows of ${name}"><table><thead><tr>${header}<tbody>${lines}</table></div>${noteOf(isCut, note)}`
}

const mostLines = 40
const mostCharacters = 400

function linesOf(name: string, { text, isWhole }: TextStart): Markup {
  const lines = toPrintable(text).split(/\r\n?|\n/)
  const first = lines.slice(0, mostLines)
  const isCut =
    !isWhole || lines.length > mostLines || first.some((line) => line.length > mostCharacters)
  const shown = first.map((line) =>
    line.length > mostCharacters ? `${line.slice(0, mostCharacters)}…` : line,
  )
  // HTML drops a line break right behind the tag.
  const content = `\n${shown.join('\n')}`
  const note = `First ${first.length} lines.`
  return html`<pre tabindex="0" role="region" aria-label="First lines of ${name}">${content}</pre>${noteOf(isCut, note)}`
}

function noteOf(isCut: boolean, note: string): Markup | undefined {
  return isCut ? html`<p class="dim">${note}</p>` : undefined
}

/** Shows control characters as replacement characters: HTML allows most of them nowhere. */
function toPrintable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\t\r\n]/gu, '\ufffd')
}

/**
 * HTML in which every value is text.
 *
 * @module
 */

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Markup that is finished: what is put into another piece as it is. */
export interface Html {
  readonly html: string
}

type Value = Html | string | number | undefined | readonly Html[]

/** Makes markup; what stands in `${}` is escaped unless it is markup itself, and `undefined` is nothing. */
export function html(pieces: TemplateStringsArray, ...values: readonly Value[]): Html {
  const texts = pieces.map((piece, index) => piece + toMarkup(values[index]))
  return { html: texts.join('') }
}

function toMarkup(value: Value): string {
  if (value === undefined) return ''
  if (Array.isArray(value)) return value.map(({ html }: Html) => html).join('')
  if (typeof value === 'object' && 'html' in value) return value.html
  return String(value).replace(/[&<>"']/g, (character) => escapes[character] ?? '')
}

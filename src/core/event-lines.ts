/**
 * Many events of a chunk at once, as text: for those that are told by a few words of theirs.
 *
 * @module
 */

import { decodeUtf8 } from './body.ts'
import { hasBytes } from './byte-search.ts'

const lf = 10

/** Some lines, and how many bytes their first characters take. */
export interface Lines {
  readonly text: string
  bytesTo(end: number): number
}

// Decoding many bytes takes little longer than decoding few; those behind an event of another kind are decoded again.
const mostBytes = 16_384
const encoder = new TextEncoder()

/** The whole lines that begin here with a prefix; none where lines do not end with line feeds, or are no text. */
export function readLines(bytes: Uint8Array, start: number, prefix: Uint8Array): Lines {
  const end = bytes.lastIndexOf(lf, start + mostBytes) + 1
  const decoded = hasBytes(bytes, start, prefix) && decodeUtf8(bytes.subarray(start, end))
  const text = decoded && !decoded.includes('\r') ? decoded : ''
  const isAscii = text.length === end - start
  return {
    text,
    bytesTo: (at) => (isAscii ? at : encoder.encode(text.slice(0, at)).byteLength),
  }
}

/** Where the event ends whose last line this is, the blank line included; -1 if it is not the last. */
export function endOfLastLine(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end !== -1 && text[end + 1] === '\n' ? end + 2 : -1
}

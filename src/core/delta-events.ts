/**
 * The events that bring a piece of text or code, which are nearly all of a stream: told by their first line.
 *
 * @module
 */

import { bytesOf, hasBytes } from './byte-search.ts'
import { endOfLastLine, readLines } from './event-lines.ts'

const lf = 10
const cr = 13

const eventPrefix = bytesOf('event: response.')
const deltaEnding = bytesOf('.delta')
const textEvent = 'event: response.output_text.'
const textPrefix = bytesOf(textEvent)

/**
 * Whether an event names itself in its first line as a piece of text of the Responses API, `event: response.….delta`.
 * Such an event holds text and no ids of files.
 */
export function isDeltaEvent(raw: Uint8Array): boolean {
  const lineEnd = raw.indexOf(lf)
  const end = raw[lineEnd - 1] === cr ? lineEnd - 1 : lineEnd
  return hasBytes(raw, 0, eventPrefix) && hasBytes(raw, end - deltaEnding.length, deltaEnding)
}

/** Where a run of delta events ends that begins here. */
export function skipDeltas(bytes: Uint8Array, start: number): number {
  return skipWhile(bytes, start, deltaEnd)
}

/** The same for a run of deltas that are no text of the answer: of its code, of what the model thinks. */
export function skipOtherDeltas(bytes: Uint8Array, start: number): number {
  return hasBytes(bytes, start, textPrefix) ? start : skipWhile(bytes, start, otherDeltaEnd)
}

function skipWhile(bytes: Uint8Array, start: number, endOf: typeof deltaEnd): number {
  let at = start
  for (;;) {
    const lines = readLines(bytes, at, eventPrefix)
    let end = 0
    let next = endOf(lines.text, 0)
    while (next !== -1) {
      end = next
      next = endOf(lines.text, end)
    }
    if (end === 0) return at
    at += lines.bytesTo(end)
  }
}

function otherDeltaEnd(text: string, start: number): number {
  return text.startsWith(textEvent, start) ? -1 : deltaEnd(text, start)
}

/** Where the delta event ends that begins here, or -1. */
function deltaEnd(text: string, start: number): number {
  if (!text.startsWith('event: response.', start)) return -1
  const nameEnd = text.indexOf('\n', start)
  return text.startsWith('.delta', nameEnd - 6) ? endOfLastLine(text, nameEnd + 1) : -1
}

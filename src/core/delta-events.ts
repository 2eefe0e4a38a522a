/**
 * The events that bring a piece of text or code, which are nearly all of a stream: many are read at once, in the form in
 * which the service writes them.
 *
 * @module
 */

import { decodeUtf8 } from './body.ts'
import { bytesOf, hasBytes } from './byte-search.ts'
import { stringAt, stringEnd } from './json-splice.ts'
import { mayHoldLink } from './sandbox-links.ts'

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

/** Where the event ends whose last line this is, the blank line included; -1 if it is not the last. */
function endOfLastLine(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end !== -1 && text[end + 1] === '\n' ? end + 2 : -1
}

/** What a run of events brought to the text of one part; no link is in it, and none can begin at its end. */
export interface TextRun {
  readonly outputIndex: number
  readonly contentIndex: number
  readonly text: string
  /** Where the events end. */
  readonly end: number
}

const placeOfText = /"output_index":(\d+),"content_index":(\d+),"delta":"/

/** Reads a run of text deltas that begins here; `undefined` where there is none. */
export function readTextRun(bytes: Uint8Array, start: number): TextRun | undefined {
  const lines = readLines(bytes, start, textPrefix)
  const [place, outputIndex, contentIndex] = placeOfText.exec(lines.text) ?? []
  if (place === undefined) return undefined
  const { text, end } = withoutLink(readTextDeltas(lines.text, place))
  return end === 0
    ? undefined
    : {
        outputIndex: Number(outputIndex),
        contentIndex: Number(contentIndex),
        text,
        end: start + lines.bytesTo(end),
      }
}

interface TextDelta {
  readonly text: string
  readonly end: number
}

function readTextDeltas(lines: string, place: string): TextDelta[] {
  const deltas: TextDelta[] = []
  let delta = readTextDelta(lines, 0, place)
  while (delta !== undefined) {
    deltas.push(delta)
    delta = readTextDelta(lines, delta.end, place)
  }
  return deltas
}

/** The deltas up to the first that a link may begin in, joined. */
function withoutLink(deltas: readonly TextDelta[]): TextDelta {
  const joined = deltas.map(({ text }) => text).join('')
  if (!mayHoldLink(joined)) return { text: joined, end: deltas.at(-1)?.end ?? 0 }
  // One piece may begin what the next does not go on with, so each alone says more often that it may be.
  const first = deltas.findIndex(({ text }) => mayHoldLink(text))
  const free = first === -1 ? deltas : deltas.slice(0, first)
  return { text: free.map(({ text }) => text).join(''), end: free.at(-1)?.end ?? 0 }
}

const textDelta = `${textEvent}delta\ndata: {`

/** Reads the delta that begins here, if it is one of this place. */
function readTextDelta(lines: string, start: number, place: string): TextDelta | undefined {
  if (!lines.startsWith(textDelta, start)) return undefined
  const end = endOfLastLine(lines, start + textDelta.length)
  const at = lines.indexOf(place, start + textDelta.length)
  const quote = at + place.length - 1
  const value = { start: quote, end: stringEnd(lines, quote) }
  if (at === -1 || value.end === -1 || value.end > end) return undefined
  const text = stringAt(lines, value)
  return text === undefined ? undefined : { text, end }
}

/** Some lines, and how many bytes their first characters take. */
interface Lines {
  readonly text: string
  bytesTo(end: number): number
}

// Decoding many bytes takes little longer than decoding few; those behind an event of another kind are decoded again.
const mostBytes = 16_384
const encoder = new TextEncoder()

/** The whole lines that begin here with a prefix; none where lines do not end with line feeds, or are no text. */
function readLines(bytes: Uint8Array, start: number, prefix: Uint8Array): Lines {
  const end = bytes.lastIndexOf(lf, start + mostBytes) + 1
  const decoded = hasBytes(bytes, start, prefix) && decodeUtf8(bytes.subarray(start, end))
  const text = decoded && !decoded.includes('\r') ? decoded : ''
  const isAscii = text.length === end - start
  return {
    text,
    bytesTo: (at) => (isAscii ? at : encoder.encode(text.slice(0, at)).byteLength),
  }
}

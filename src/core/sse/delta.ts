/**
 * Delta events, which are most of a stream: recognised by their first line, and read without parsing their JSON. Runs of
 * them are skipped without looking at each event as bytes.
 *
 * @module
 */

import { decodeUtf8 } from '../http/body.ts'
import { stringAt, stringEnd } from '../json/spans.ts'
import { bytesOf, hasBytes } from '../search.ts'

const encoder = new TextEncoder()
const lf = 10
const cr = 13

/** The type of events with a piece of an answer's text. */
export const textDeltaType = 'response.output_text.delta'

const eventPrefix = 'event: response.'
const deltaEnding = '.delta'
const eventPrefixBytes = bytesOf(eventPrefix)
const deltaEndingBytes = bytesOf(deltaEnding)

/**
 * Whether the first line of an event names a delta of the Responses API, `event: response.….delta`. Such an event
 * contains text and no file ids.
 *
 * @param raw one event with its framing
 */
export function isDeltaEvent(raw: Uint8Array): boolean {
  const lineEnd = raw.indexOf(lf)
  const end = raw[lineEnd - 1] === cr ? lineEnd - 1 : lineEnd
  const isNamed = hasBytes(raw, 0, eventPrefixBytes)
  return isNamed && hasBytes(raw, end - deltaEndingBytes.length, deltaEndingBytes)
}

const textEventPrefix = 'event: response.output_text.'
const textEventPrefixBytes = bytesOf(textEventPrefix)

/**
 * Whether the first line of an event names a delta of something else than an answer's text, such as code.
 *
 * @param raw one event with its framing
 */
export function isOtherDelta(raw: Uint8Array): boolean {
  return isDeltaEvent(raw) && !hasBytes(raw, 0, textEventPrefixBytes)
}

/** A piece of the text of one part. */
export interface TextDelta {
  readonly outputIndex: number
  readonly contentIndex: number
  readonly text: string
}

/**
 * Reads a text delta in the form in which the service writes it; `undefined` for another event or another form.
 *
 * @param raw one event with its framing
 */
export function readTextDelta(raw: Uint8Array): TextDelta | undefined {
  if (!isBeginOfTextDelta(raw, 0)) return undefined
  const event = decodeUtf8(raw)
  return event === undefined ? undefined : textDeltaAt(event, 0)
}

/**
 * Skips delta events of any kind.
 *
 * @param start offset in bytes at which an event begins
 * @returns the offset behind the last of them; `start` if there are none
 */
export function skipDeltas(bytes: Uint8Array, start: number): number {
  return hasBytes(bytes, start, eventPrefixBytes) ? skipWhile(bytes, start, deltaEnd) : start
}

/**
 * Skips delta events. Of those with text it skips only the ones that the caller lets pass.
 *
 * @param start offset in bytes at which an event begins
 * @param take called for each piece of text in order; skipping ends at the first for which it returns `false`
 * @returns the offset behind the last skipped event; `start` if there are none
 */
export function skipTextDeltas(
  bytes: Uint8Array,
  start: number,
  take: (delta: TextDelta) => boolean,
): number {
  const isDelta = hasBytes(bytes, start, eventPrefixBytes) || isBeginOfTextDelta(bytes, start)
  if (!isDelta) return start
  return skipWhile(bytes, start, (events, at) => {
    const delta = textDeltaAt(events, at)
    if (delta !== undefined) return take(delta) ? delta.end : -1
    return events.startsWith(textEventPrefix, at) ? -1 : deltaEnd(events, at)
  })
}

/** A delta, and the offset in its text at which its event ends. */
interface PlacedDelta extends TextDelta {
  readonly end: number
}

/** Returns where the event ends that begins at an offset of a text; -1 if it is not skipped. */
type EventEnd = (events: string, start: number) => number

// In bytes. A larger value wastes work when an event of another kind follows soon.
const mostDecoded = 16_384

/** Skips events as long as `endOf` finds the end of one. */
function skipWhile(bytes: Uint8Array, start: number, endOf: EventEnd): number {
  let at = start
  for (;;) {
    const lines = bytes.subarray(at, bytes.lastIndexOf(lf, at + mostDecoded) + 1)
    const text = decodeUtf8(lines)
    // Lines may also end with carriage returns. Such events are read one by one.
    if (text === undefined || text.includes('\r')) return at
    let end = 0
    for (let next = endOf(text, 0); next !== -1; next = endOf(text, end)) end = next
    if (end === 0) return at
    const isAscii = text.length === lines.length
    at += isAscii ? end : encoder.encode(text.slice(0, end)).length
  }
}

/** Where the delta event ends that begins here; -1 if there is no whole one of two lines. */
function deltaEnd(events: string, start: number): number {
  if (!events.startsWith(eventPrefix, start)) return -1
  const lineEnd = events.indexOf('\n', start)
  return events.startsWith(deltaEnding, lineEnd - deltaEnding.length)
    ? eventEnd(events, lineEnd + 1)
    : -1
}

/** Where an event ends whose last line contains the offset; -1 if another line follows, or none yet. */
function eventEnd(events: string, offset: number): number {
  const lineEnd = events.indexOf('\n', offset)
  return lineEnd !== -1 && events[lineEnd + 1] === '\n' ? lineEnd + 2 : -1
}

const textDeltaPrefixes = [
  bytesOf(`event: ${textDeltaType}\n`),
  bytesOf(`data: {"type":"${textDeltaType}"`),
]

function isBeginOfTextDelta(bytes: Uint8Array, start: number): boolean {
  return textDeltaPrefixes.some((prefix) => hasBytes(bytes, start, prefix))
}

const head =
  /(?:event: response\.output_text\.delta\n)?data: \{"type":"response\.output_text\.delta",[^{}[\]\n]*?"output_index":(\d+),"content_index":(\d+),"delta":/y

/** Reads the text delta that begins at an offset of a text; `undefined` for another event or another form. */
function textDeltaAt(events: string, start: number): PlacedDelta | undefined {
  head.lastIndex = start
  const found = head.exec(events)
  if (found === null) return undefined
  const value = { start: head.lastIndex, end: stringEnd(events, head.lastIndex) }
  const end = eventEnd(events, value.start)
  const text = value.end === -1 || value.end > end ? undefined : stringAt(events, value)
  if (text === undefined) return undefined
  return { outputIndex: Number(found[1]), contentIndex: Number(found[2]), text, end }
}

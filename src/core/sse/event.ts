/**
 * The text of one raw event, with its JSON edited in place, so that framing and all other bytes stay the same. WebSocket
 * messages are converted to events and back, so that one implementation reads and rewrites both.
 *
 * @module
 */

import { decodeUtf8 } from '../http/body.ts'
import { type Edit, splice } from '../json/edits.ts'
import { pick, rootSpan, stringAt } from '../json/spans.ts'

/** The text of an event, and its JSON at the same offsets. */
export interface EventText {
  readonly text: string
  /** The text with blanks in place of everything that is not data. */
  readonly json: string
}

const encoder = new TextEncoder()

/**
 * Decodes an event; `undefined` if it has no data or is not UTF-8.
 *
 * @param raw one event with its framing
 */
export function readEventText(raw: Uint8Array): EventText | undefined {
  const text = decodeUtf8(raw)
  if (text === undefined) return undefined
  let json = ''
  let hasData = false
  for (const { 0: line, index } of text.matchAll(/[^\r\n]+/g)) {
    const prefix = /^\uFEFF?data:/.exec(line)?.[0].length
    if (prefix === undefined) continue
    json = json.padEnd(index + prefix) + line.slice(prefix)
    hasData = true
  }
  return hasData ? { text, json } : undefined
}

/**
 * Applies edits to the JSON of an event. Returns the event itself if there are no edits or its JSON is not valid.
 *
 * @param raw the event
 * @param edits of its JSON; offsets count in its text
 * @param event its text, as {@link readEventText} returned it
 */
export function spliceEvent(
  raw: Uint8Array,
  { text, json }: EventText,
  edits: readonly Edit[],
): Uint8Array {
  const spliced = splice(text, edits, json)
  return spliced === text ? raw : encoder.encode(spliced)
}

const prefix = 'data: '
const decoder = new TextDecoder()

/**
 * Wraps a message in an event, with one data line for each line of the message.
 *
 * @param message JSON text of a WebSocket message
 */
export function messageToEvent(message: string): Uint8Array {
  return encoder.encode(`${prefix}${message.replace(/\r\n|\r|\n/g, `\n${prefix}`)}\n\n`)
}

/**
 * Unwraps the message of an event that {@link messageToEvent} made.
 *
 * @param raw may have been edited since
 */
export function eventToMessage(raw: Uint8Array): string {
  const lines = decoder.decode(raw).trimEnd().split('\n')
  return lines.map((line) => line.slice(prefix.length)).join('\n')
}

/**
 * The `type` of a message; empty if it has none. Does not parse the whole message.
 *
 * @param message JSON text of a WebSocket message
 */
export function messageType(message: string): string {
  return stringAt(message, pick(message, rootSpan(message), ['type']).type) ?? ''
}

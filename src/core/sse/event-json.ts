/**
 * Reads and edits the JSON of one raw event in place. Framing and all other bytes stay the same.
 *
 * @module
 */

import { decodeUtf8 } from '../http/body.ts'
import { type Edit, splice } from '../json/edits.ts'

/** The text of an event, and its JSON at the same offsets. */
export interface EventText {
  readonly text: string
  /** The text with blanks in place of everything that is not data. */
  readonly json: string
}

const encoder = new TextEncoder()

/** Decodes an event; `undefined` if it has no data or is not UTF-8. */
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

/** Applies edits to the JSON of an event. Returns the event itself if there are no edits or its JSON is not valid. */
export function spliceEvent(
  raw: Uint8Array,
  { text, json }: EventText,
  edits: readonly Edit[],
): Uint8Array {
  const spliced = splice(text, edits, json)
  return spliced === text ? raw : encoder.encode(spliced)
}

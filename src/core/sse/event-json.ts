/**
 * The JSON of one raw event, read where it stands: what is found in it can be replaced without touching the rest, the
 * framing included.
 *
 * @module
 */

import { decodeUtf8 } from '../http/body.ts'
import { type Edit, splice } from '../json/edits.ts'

/** An event as text, and its JSON alone at the same offsets. */
export interface EventText {
  readonly text: string
  /** The text with blanks for all that is not data. */
  readonly json: string
}

const encoder = new TextEncoder()

/** Reads an event; `undefined` where it has no data or is no text. */
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

/** The event with some of its JSON replaced; itself where nothing is, or where it is no valid JSON. */
export function spliceEvent(
  raw: Uint8Array,
  { text, json }: EventText,
  edits: readonly Edit[],
): Uint8Array {
  const spliced = splice(text, edits, json)
  return spliced === text ? raw : encoder.encode(spliced)
}

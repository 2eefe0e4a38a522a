/**
 * Recognises delta events, which carry pieces of text or code and are most of a stream, by their first line. Reads text
 * deltas without parsing their JSON.
 *
 * @module
 */

import { decodeUtf8 } from '../http/body.ts'
import { stringAt, stringEnd } from '../json/spans.ts'
import { bytesOf, hasBytes } from '../search.ts'

const lf = 10
const cr = 13

/** The type of events with a piece of an answer's text. */
export const textDeltaType = 'response.output_text.delta'

const eventPrefix = bytesOf('event: response.')
const deltaEnding = bytesOf('.delta')
const textPrefixes = [
  bytesOf(`event: ${textDeltaType}\n`),
  bytesOf(`data: {"type":"${textDeltaType}"`),
]

/**
 * Whether the first line of an event names a delta of the Responses API, `event: response.….delta`. Such an event
 * contains text and no file ids.
 */
export function isDeltaEvent(raw: Uint8Array): boolean {
  const lineEnd = raw.indexOf(lf)
  const end = raw[lineEnd - 1] === cr ? lineEnd - 1 : lineEnd
  return hasBytes(raw, 0, eventPrefix) && hasBytes(raw, end - deltaEnding.length, deltaEnding)
}

/** A piece of the text of one part. */
export interface TextDelta {
  readonly outputIndex: number
  readonly contentIndex: number
  readonly text: string
}

const head =
  /^(?:event: response\.output_text\.delta\n)?data: \{"type":"response\.output_text\.delta",[^{}[\]\n]*?"output_index":(\d+),"content_index":(\d+),"delta":/

/** Reads a text delta in the form in which the service writes it; `undefined` for another event or another form. */
export function readTextDelta(raw: Uint8Array): TextDelta | undefined {
  if (!textPrefixes.some((prefix) => hasBytes(raw, 0, prefix))) return undefined
  const event = decodeUtf8(raw)
  const [whole, outputIndex, contentIndex] = (event && head.exec(event)) || []
  if (event === undefined || whole === undefined) return undefined
  const end = stringEnd(event, whole.length)
  const text = end === -1 ? undefined : stringAt(event, { start: whole.length, end })
  // The data is a single line.
  const isOneLine = /^\n\n?$/.test(event.slice(event.indexOf('\n', end)))
  if (text === undefined || !isOneLine) return undefined
  return { outputIndex: Number(outputIndex), contentIndex: Number(contentIndex), text }
}

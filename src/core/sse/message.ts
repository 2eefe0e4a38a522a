/**
 * Messages of a WebSocket as events of a stream, so that one implementation reads and rewrites both.
 *
 * @module
 */

import { pick, rootSpan, stringAt } from '../json/spans.ts'

const prefix = 'data: '
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The raw event that carries a message: one line of data for each line of it. */
export function messageToEvent(message: string): Uint8Array {
  return encoder.encode(`${prefix}${message.replace(/\r\n|\r|\n/g, `\n${prefix}`)}\n\n`)
}

/** The message that an event of {@link messageToEvent} carries. */
export function eventToMessage(raw: Uint8Array): string {
  const lines = decoder.decode(raw).trimEnd().split('\n')
  return lines.map((line) => line.slice(prefix.length)).join('\n')
}

/** The `type` of a message; empty where it has none. It is read without parsing the message. */
export function messageType(message: string): string {
  return stringAt(message, pick(message, rootSpan(message), ['type']).type) ?? ''
}

/**
 * Converts WebSocket messages to stream events and back, so that one implementation reads and rewrites both.
 *
 * @module
 */

import { pick, rootSpan, stringAt } from '../json/spans.ts'

const prefix = 'data: '
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Wraps a message in an event, with one data line for each line of the message. */
export function messageToEvent(message: string): Uint8Array {
  return encoder.encode(`${prefix}${message.replace(/\r\n|\r|\n/g, `\n${prefix}`)}\n\n`)
}

/** Unwraps the message of an event that {@link messageToEvent} made. */
export function eventToMessage(raw: Uint8Array): string {
  const lines = decoder.decode(raw).trimEnd().split('\n')
  return lines.map((line) => line.slice(prefix.length)).join('\n')
}

/** The `type` of a message; empty if it has none. Does not parse the whole message. */
export function messageType(message: string): string {
  return stringAt(message, pick(message, rootSpan(message), ['type']).type) ?? ''
}

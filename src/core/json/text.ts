/**
 * Short strings read from the bytes of JSON that was found valid.
 *
 * @module
 */

// More than the longest id takes, with each of its letters escaped.
const longest = 1024

const decoder = new TextDecoder()

/** The text of a string whose quotes are at `start` and before `end`; `undefined` for one of more than 1,022 bytes. */
export function jsonTextAt(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > longest) return undefined
  let text = ''
  for (let at = start + 1; at < end - 1; at += 1) {
    const code = bytes[at] ?? 0
    if (code === 92 || code > 127) return decoded(bytes.subarray(start, end))
    text += String.fromCharCode(code)
  }
  return text
}

function decoded(bytes: Uint8Array): string | undefined {
  const text: unknown = JSON.parse(decoder.decode(bytes))
  return typeof text === 'string' ? text : undefined
}

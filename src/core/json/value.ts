/**
 * Reads JSON values whose shape is unknown.
 *
 * @module
 */

/**
 * Parses JSON text; `undefined` if it is not valid.
 *
 * @param text of any length: the caller has limited it
 */
export function parseText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * Whether a value is an object and not an array.
 *
 * @param value a parsed JSON value
 */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a value is an array, with elements of unknown type. */
export function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

// Longer than the longest id with every letter escaped.
const longest = 1024

const decoder = new TextDecoder()

/**
 * The content of the string token `[start, end)`; `undefined` for a token of more than 1,024 bytes.
 *
 * @param bytes JSON in UTF-8
 * @param start offset of the opening quote, as {@link scanJson} reports it
 * @param end offset behind the closing quote
 */
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

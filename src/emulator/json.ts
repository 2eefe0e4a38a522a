/**
 * JSON as the service writes it.
 *
 * @module
 */

/** Any JSON object. */
export type Json = Readonly<Record<string, unknown>>

/** The service writes sampling numbers as floats such as `1.0`, which JavaScript would write as `1`. */
export function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent)
  return text.replace(/("(?:temperature|top_p)": ?\d+)(?=[,\n}])/g, '$1.0')
}

/** A JSON answer, indented. Recorded lengths show the indentation. */
export function json(
  body: object,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const bytes = new TextEncoder().encode(jsonText(body, 2))
  return new Response(bytes, {
    status,
    headers: {
      'content-type': 'application/json',
      'content-length': String(bytes.byteLength),
      ...headers,
    },
  })
}

/** Parses a text; `undefined` if it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether a value is a JSON object, and neither an array nor null. */
export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

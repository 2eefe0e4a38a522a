/**
 * Reading of JSON values whose shape is unknown.
 *
 * @module
 */

/** Parses JSON text; `undefined` if it is not valid. */
export function parseText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether a value is an object and not an array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

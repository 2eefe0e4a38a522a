/**
 * Finds values in JSON text as spans, without parsing.
 *
 * Reading is lazy and iterative: a value is walked only when a caller asks for something inside or after it, so a huge
 * or deeply nested text takes linear time and no stack. Invalid JSON gives some spans or none.
 *
 * @module
 */

/** A part of a text: `[start, end)`, in UTF-16 units. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A member of an object, from the key's opening quote to the value's end. */
export interface Member extends Span {
  readonly key: string
  readonly value: Span
}

const quote = 34
const comma = 44
const colon = 58
const openBracket = 91
const backslash = 92
const closeBracket = 93
const openBrace = 123
const closeBrace = 125

/**
 * The outermost value of a JSON text; `undefined` if there is none.
 *
 * @param json text with blanks around its value; what follows the value is ignored
 */
export function rootSpan(json: string): Span | undefined {
  const start = skipBlanks(json, 0)
  const end = valueEnd(json, start)
  return end === -1 ? undefined : { start, end }
}

/**
 * The members of an object in order; none for any other value.
 *
 * @param json text that contains the object
 * @param object its span; its keys are yielded with escapes decoded
 */
export function* members(json: string, object: Span | undefined): Generator<Member> {
  if (object === undefined || json.charCodeAt(object.start) !== openBrace) return
  let at = skipBlanks(json, object.start + 1)
  while (json.charCodeAt(at) === quote) {
    const keyEnd = stringEnd(json, at)
    const afterKey = skipBlanks(json, keyEnd)
    if (keyEnd === -1 || json.charCodeAt(afterKey) !== colon) return
    const start = skipBlanks(json, afterKey + 1)
    const end = valueEnd(json, start)
    if (end === -1) return
    yield { start: at, end, key: readKey(json, at, keyEnd), value: { start, end } }
    at = skipBlanks(json, end)
    if (json.charCodeAt(at) !== comma) return
    at = skipBlanks(json, at + 1)
  }
}

/**
 * The elements of an array in order; none for any other value.
 *
 * @param json text that contains the array
 * @param array its span
 */
export function* elements(json: string, array: Span | undefined): Generator<Span> {
  if (array === undefined || json.charCodeAt(array.start) !== openBracket) return
  let start = skipBlanks(json, array.start + 1)
  for (;;) {
    const end = valueEnd(json, start)
    if (end === -1) return
    yield { start, end }
    start = skipBlanks(json, end)
    if (json.charCodeAt(start) !== comma) return
    start = skipBlanks(json, start + 1)
  }
}

/**
 * The values of the given members of an object. For duplicate keys the last one counts, as in `JSON.parse`.
 *
 * @param json text that contains the object
 * @param object span of the object; `undefined` gives no values
 * @param keys decoded names; an absent member is absent in the result too
 */
export function pick<Key extends string>(
  json: string,
  object: Span | undefined,
  keys: readonly Key[],
): { readonly [K in Key]?: Span } {
  const found: { [K in Key]?: Span } = {}
  for (const { key, value } of members(json, object)) {
    const wanted = keys.find((name) => name === key)
    if (wanted !== undefined) found[wanted] = value
  }
  return found
}

/**
 * The content of a string; `undefined` for any other value.
 *
 * @param json text that contains the value
 * @param value span with its quotes
 * @returns the text with escapes decoded
 */
export function stringAt(json: string, value: Span | undefined): string | undefined {
  if (value === undefined || json.charCodeAt(value.start) !== quote) return undefined
  const content = json.slice(value.start + 1, value.end - 1)
  if (!content.includes('\\')) return content
  try {
    return JSON.parse(`"${content}"`)
  } catch {
    return undefined
  }
}

/**
 * The value of an integer of at least 0 and at most 15 digits; `undefined` for any other value.
 *
 * @param json text that contains the value
 * @param value span of a number
 */
export function indexAt(json: string, value: Span | undefined): number | undefined {
  if (value === undefined) return undefined
  const literal = json.slice(value.start, value.end)
  return /^\d{1,15}$/.test(literal) ? Number(literal) : undefined
}

function readKey(json: string, start: number, end: number): string {
  return stringAt(json, { start, end }) ?? ''
}

/**
 * Whether a character is JSON whitespace.
 *
 * @param code UTF-16 unit, as `charCodeAt` returns it
 */
export function isBlank(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9
}

function skipBlanks(json: string, from: number): number {
  let at = from
  while (isBlank(json.charCodeAt(at))) at += 1
  return at
}

/** The offset after the value that begins at `start`, or -1. */
function valueEnd(json: string, start: number): number {
  const first = json.charCodeAt(start)
  if (first === quote) return stringEnd(json, start)
  if (first === openBrace || first === openBracket) return nestedEnd(json, start)
  let end = start
  while (isScalar(json.charCodeAt(end))) end += 1
  return end === start ? -1 : end
}

function isScalar(code: number): boolean {
  return (
    (code >= 48 && code <= 57) ||
    (code >= 97 && code <= 122) ||
    code === 69 ||
    code === 43 ||
    code === 45 ||
    code === 46
  )
}

/**
 * The offset after the string that begins at `start`, or -1.
 *
 * @param json text that contains the string
 * @param start offset of the opening quote
 */
export function stringEnd(json: string, start: number): number {
  let end = json.indexOf('"', start + 1)
  while (end !== -1) {
    let escapes = end
    while (json.charCodeAt(escapes - 1) === backslash) escapes -= 1
    if ((end - escapes) % 2 === 0) return end + 1
    end = json.indexOf('"', end + 1)
  }
  return -1
}

function nestedEnd(json: string, start: number): number {
  let depth = 0
  for (let at = start; at < json.length; at += 1) {
    const code = json.charCodeAt(at)
    if (code === quote) {
      at = stringEnd(json, at) - 1
      if (at < start) return -1
    } else if (code === openBrace || code === openBracket) {
      depth += 1
    } else if (code === closeBrace || code === closeBracket) {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return -1
}

/**
 * Changing JSON text without writing it anew: values are found as spans of the text, and only they are replaced, so that
 * numbers, key order, blanks and escapes elsewhere stay as they were.
 *
 * The reading is lazy: a value is walked over only when somebody asks for what stands behind or inside it, in a loop, so
 * that neither a huge nor a deeply nested text costs more than its length. It is also trusting; {@link splice} is where
 * invalid JSON is left alone.
 *
 * @module
 */

/** A part of a text: `[start, end)`, in UTF-16 units. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A part of a text, and what replaces it; `start === end` inserts. */
export interface Edit extends Span {
  readonly text: string
}

/** A member of an object, from its key's quote to its value's end. */
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

/** The outermost value of a JSON text; `undefined` where there is none. */
export function rootSpan(json: string): Span | undefined {
  const start = skipBlanks(json, 0)
  const end = valueEnd(json, start)
  return end === -1 ? undefined : { start, end }
}

/** The members of an object in order; nothing for any other value. */
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

/** The elements of an array in order; nothing for any other value. */
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

/** The values of some members of an object; of equal keys the last counts, as in `JSON.parse`. */
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

/** The text that a string value holds; `undefined` for any other value. */
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

/** The integer that a number value holds, 0 or greater; `undefined` for any other value. */
export function indexAt(json: string, value: Span | undefined): number | undefined {
  if (value === undefined) return undefined
  const literal = json.slice(value.start, value.end)
  return /^\d{1,15}$/.test(literal) ? Number(literal) : undefined
}

/**
 * Edits of a string value, from edits of the text that it holds: what is not replaced keeps its escapes.
 *
 * @param edits in order, without overlap
 */
export function stringEdits(json: string, value: Span, edits: readonly Edit[]): Edit[] {
  const isPlain = !json.slice(value.start, value.end).includes('\\')
  let raw = value.start + 1
  let unit = 0
  const rawOffset = (offset: number): number => {
    if (isPlain) return value.start + 1 + offset
    for (; unit < offset; unit += 1) raw += escapeLength(json, raw)
    return raw
  }
  return edits.map(({ start, end, text }) => ({
    start: rawOffset(start),
    end: rawOffset(end),
    text: JSON.stringify(text).slice(1, -1),
  }))
}

/** Where a new last member of an object goes: behind the last one, before the blanks that close the object. */
export function memberSlot(json: string, object: Span): Span {
  let at = object.end - 1
  while (isBlank(json.charCodeAt(at - 1))) at -= 1
  return { start: at, end: at }
}

/** Edits that remove members and the commas that belong to them. */
export function removalEdits(
  json: string,
  object: Span,
  isUnwanted: (key: string) => boolean,
): Edit[] {
  const edits: Edit[] = []
  let kept: Member | undefined
  let previous: Member | undefined
  let leading: Member | undefined
  for (const member of members(json, object)) {
    if (!isUnwanted(member.key)) {
      // Those before the first that stays take the comma behind them along.
      if (kept === undefined && leading !== undefined) {
        edits.push({ start: leading.start, end: member.start, text: '' })
      }
      kept = member
    } else if (kept === undefined) {
      leading ??= member
    } else if (previous !== undefined) {
      edits.push({ start: previous.end, end: member.end, text: '' })
    }
    previous = member
  }
  if (kept === undefined && leading !== undefined && previous !== undefined) {
    edits.push({ start: leading.start, end: previous.end, text: '' })
  }
  return edits
}

/**
 * Applies edits that do not overlap; those at one place go in as they are listed. The text itself comes back where there
 * are none, and where it is no valid JSON.
 *
 * @param view the JSON alone, where `text` holds more, at the same offsets
 */
export function splice(text: string, edits: readonly Edit[], view: string = text): string {
  if (edits.length === 0 || !isJson(view)) return text
  const pieces: string[] = []
  let at = 0
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    pieces.push(text.slice(at, edit.start), edit.text)
    at = edit.end
  }
  pieces.push(text.slice(at))
  return pieces.join('')
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function readKey(json: string, start: number, end: number): string {
  return stringAt(json, { start, end }) ?? ''
}

function isBlank(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9
}

function skipBlanks(json: string, from: number): number {
  let at = from
  while (isBlank(json.charCodeAt(at))) at += 1
  return at
}

/** How many units of JSON text the next unit of a string takes. */
function escapeLength(json: string, at: number): number {
  if (json.charCodeAt(at) !== backslash) return 1
  return json[at + 1] === 'u' ? 6 : 2
}

/** The index behind the value that starts at `start`, or -1. */
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

/** The index behind the string that starts at `start`, or -1. */
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

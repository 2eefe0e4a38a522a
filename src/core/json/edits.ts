/**
 * Edits JSON text in place, and adds a member to JSON bytes. Numbers, key order, blanks and escapes outside the edits
 * stay the same.
 *
 * @module
 */

import { isCfileError } from '../errors.ts'
import { concatBytes } from '../http/body.ts'
import { scanJson } from './scan.ts'
import { isBlank, type Member, members, type Span } from './spans.ts'
import { jsonTextAt, parseText } from './value.ts'

const backslash = 92

/** Replaces a part of a text. `start === end` inserts. */
export interface Edit extends Span {
  readonly text: string
}

/**
 * Converts edits of a string's content to edits of the JSON text. Text outside the edits keeps its escapes.
 *
 * @param json text that contains the string
 * @param value span of the string with its quotes
 * @param edits in ascending order, without overlap
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

/**
 * The place for a new last member of an object: after the last member, before blanks and the closing brace.
 *
 * @param json text that contains the object
 * @param object span of an object that has a member: the new one begins with a comma
 */
export function memberSlot(json: string, object: Span): Span {
  let at = object.end - 1
  while (isBlank(json.charCodeAt(at - 1))) at -= 1
  return { start: at, end: at }
}

/**
 * The edits that remove members together with their commas.
 *
 * @param json text that contains the object
 * @param object span of the object
 * @param isUnwanted decides by the decoded key
 */
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
      // Members before the first kept one are removed with the comma after them.
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
 * Applies edits that do not overlap. Edits at the same place apply in list order. Returns the text unchanged if there
 * are no edits or it is not valid JSON.
 *
 * @param text to be edited
 * @param edits offsets count in the text before any edit
 * @param view the JSON at the same offsets, if `text` contains more than JSON
 */
export function splice(text: string, edits: readonly Edit[], view: string = text): string {
  if (edits.length === 0 || parseText(view) === undefined) return text
  const pieces: string[] = []
  let at = 0
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    pieces.push(text.slice(at, edit.start), edit.text)
    at = edit.end
  }
  pieces.push(text.slice(at))
  return pieces.join('')
}

/** The length in JSON text of the next UTF-16 unit of a string. */
function escapeLength(json: string, at: number): number {
  if (json.charCodeAt(at) !== backslash) return 1
  return json[at + 1] === 'u' ? 6 : 2
}

/**
 * Adds a last member to a JSON object. Returns the bytes unchanged if they are not an object or already have the
 * member. Yields at points where other work may run.
 *
 * @param bytes a request body, in UTF-8
 * @param name a key without characters that JSON escapes
 * @param value becomes a JSON string
 */
export function* addMember(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  value: string,
): Generator<undefined, Uint8Array<ArrayBuffer>> {
  const root = { isObject: false, isEmpty: true, hasName: false, end: 0 }
  let depth = 0
  const reading = scanJson(bytes, {
    key(start, end) {
      if (depth > 1) return
      root.isEmpty = false
      if (jsonTextAt(bytes, start, end) === name) root.hasName = true
    },
    scalar() {},
    open(_, isList) {
      if (depth === 0) root.isObject = !isList
      depth += 1
    },
    close(end) {
      depth -= 1
      root.end = end
    },
  })
  try {
    yield* reading
  } catch (error) {
    if (isCfileError(error)) return bytes
    throw error
  }
  if (!root.isObject || root.hasName) return bytes
  const member = `${root.isEmpty ? '' : ','}"${name}":${JSON.stringify(value)}`
  const slot = root.end - 1
  return concatBytes([
    bytes.subarray(0, slot),
    new TextEncoder().encode(member),
    bytes.subarray(slot),
  ])
}

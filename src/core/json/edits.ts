/**
 * Changing JSON text without writing it anew: only what is replaced or added differs, so that numbers, key order, blanks
 * and escapes elsewhere stay as they were.
 *
 * @module
 */

import { isBlank, type Member, members, type Span } from './spans.ts'

const backslash = 92

/** A part of a text, and what replaces it; `start === end` inserts. */
export interface Edit extends Span {
  readonly text: string
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

/** How many units of JSON text the next unit of a string takes. */
function escapeLength(json: string, at: number): number {
  if (json.charCodeAt(at) !== backslash) return 1
  return json[at + 1] === 'u' ? 6 : 2
}

/**
 * Moves spans of a text when links in it are replaced. Services count spans in UTF-16 units or in code points and do not
 * document which. A span that covers exactly one link shows the unit. Without such a span UTF-16 is assumed, here and when
 * a replayed answer is restored.
 *
 * @module
 */

import { firstIndex } from '../../search.ts'

/** Text that replaces `[start, end)`, in UTF-16 units of the original text. */
export interface Replacement {
  readonly start: number
  readonly end: number
  readonly text: string
  /** The file's name, to distinguish two links of the same length. */
  readonly name: string
  /**
   * The part that a citation covers, in the original text and in `text`, each relative to its start. @default all of it
   */
  readonly cited?: { readonly before?: Part; readonly after?: Part }
}

interface Part {
  readonly start: number
  readonly end: number
}

/** The length of a text in UTF-16 units, and the offsets of its surrogate pairs. */
export interface TextMeasure {
  readonly length: number
  readonly pairs: readonly number[]
}

/** Results from one copy of a part that apply to later copies, so that all copies agree. */
export interface SpanMemory {
  unit?: Unit
  readonly moved: Map<string, readonly [number, number]>
}

type Unit = 'utf16' | 'codePoint'

/** Gives the place of a span in the new text, in the unit of its input. */
export type MoveSpan = (start: number, end: number, name?: string) => readonly [number, number]

/** Creates the memory for one part. */
export function createSpanMemory(): SpanMemory {
  return { moved: new Map() }
}

/**
 * Creates the function that moves spans of one text. A span that covers a replaced link will cover its replacement. A
 * span after it shifts. A span outside the text stays.
 *
 * @param measure of the text before the replacements
 * @param replacements in ascending order, without overlap
 * @param memory shared by all copies of the same part
 */
export function createSpanMover(
  { length, pairs }: TextMeasure,
  replacements: readonly Replacement[],
  memory: SpanMemory = createSpanMemory(),
): MoveSpan {
  const utf16 = createRuler(replacements, length, (offset) => offset, utf16Length)
  const codePoint = createRuler(
    replacements,
    length - pairs.length,
    (offset) => offset - countBelow(pairs, offset),
    codePointLength,
  )
  const unitOf = (start: number, end: number, name?: string): Unit => {
    if (memory.unit !== undefined) return memory.unit
    const units = utf16.linkAt(start, end)?.replacement
    const points = codePoint.linkAt(start, end)?.replacement
    if (units === points) return 'utf16'
    const isUtf16 = points === undefined || (units?.name === name && points.name !== name)
    const isCodePoint = units === undefined || (points?.name === name && units.name !== name)
    if (isUtf16 !== isCodePoint) memory.unit = isUtf16 ? 'utf16' : 'codePoint'
    return isUtf16 ? 'utf16' : 'codePoint'
  }
  return (start, end, name) => {
    const key = `${start},${end}`
    const known = memory.moved.get(key)
    if (known !== undefined) return known
    const ruler = unitOf(start, end, name) === 'utf16' ? utf16 : codePoint
    if (start > end || end > ruler.length) return [start, end]
    const result = ruler.linkAt(start, end)?.moved ?? [ruler.move(start), ruler.move(end)]
    memory.moved.set(key, result)
    return result
  }
}

interface Ruler {
  readonly length: number
  /** The link that a span covers exactly, and its new place. */
  linkAt(start: number, end: number): MovedLink | undefined
  move(position: number): number
}

interface MovedLink {
  readonly replacement: Replacement
  readonly moved: readonly [number, number]
}

/** Converts the replacements to one unit of length. */
function createRuler(
  replacements: readonly Replacement[],
  length: number,
  toUnit: (offset: number) => number,
  lengthOf: (text: string) => number,
): Ruler {
  let shift = 0
  const links = replacements.map((replacement) => {
    const { text, cited: { before, after } = {} } = replacement
    const at = (part: Part | undefined, side: 'start' | 'end') =>
      toUnit(part === undefined ? replacement[side] : replacement.start + part[side])
    const [start, end] = [at(undefined, 'start'), at(undefined, 'end')]
    const newLength = lengthOf(text)
    const newStart = start + shift
    const moved = [
      newStart + lengthOf(text.slice(0, after?.start ?? 0)),
      newStart + lengthOf(text.slice(0, after?.end)),
    ] as const
    const cited = [at(before, 'start'), at(before, 'end')] as const
    const link = { replacement, start, end, newLength, shift, cited, moved }
    shift += newLength - (end - start)
    return link
  })
  const starts = links.map(({ start }) => start)
  return {
    length,
    linkAt(start, end) {
      const link = links[countBelow(starts, start + 1) - 1]
      return link?.cited[0] === start && link.cited[1] === end ? link : undefined
    },
    move(position) {
      const link = links[countBelow(starts, position) - 1]
      if (link === undefined) return position
      const { start, end, newLength } = link
      const offset = position - start
      // A position inside a link comes from a wrong span. It keeps its distance from the link's start, up to the length
      // of the new link.
      return (
        start +
        link.shift +
        (position < end ? Math.min(offset, newLength) : offset + newLength - (end - start))
      )
    },
  }
}

/**
 * Measures a text.
 *
 * @param text well-formed or not: a lone surrogate counts as one code point
 */
export function measureText(text: string): TextMeasure {
  // Most texts have no surrogate pairs, and this check is faster.
  if (!/[\uD800-\uDBFF]/.test(text)) return { length: text.length, pairs: [] }
  const astral = text.matchAll(/[\u{10000}-\u{10FFFF}]/gu)
  return { length: text.length, pairs: Array.from(astral, ({ index }) => index) }
}

/**
 * Converts an offset in code points to UTF-16 units.
 *
 * @param measure of the text
 * @param points offset in code points
 */
export function utf16Offset({ pairs }: TextMeasure, points: number): number {
  return points + firstIndex(pairs.length, (index) => (pairs[index] ?? 0) - index >= points)
}

/**
 * The length of a text in code points.
 *
 * @param text of any length; takes time in proportion to it
 */
export function codePointLength(text: string): number {
  const { length, pairs } = measureText(text)
  return length - pairs.length
}

function utf16Length(text: string): number {
  return text.length
}

/**
 * Counts the ascending numbers that are below a limit, by binary search.
 *
 * @param ascending in ascending order
 * @param limit not included
 */
export function countBelow(ascending: readonly number[], limit: number): number {
  return firstIndex(ascending.length, (index) => (ascending[index] ?? limit) >= limit)
}

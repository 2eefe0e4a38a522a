/**
 * Spans of a text whose links are replaced: where they are afterwards. A service counts in UTF-16 units or in code
 * points and does not say which; a span that is exactly a link tells. Until one does, UTF-16 is taken, here and when a
 * replayed answer is read back.
 *
 * @module
 */

/** What stands in a text instead of `[start, end)`, in UTF-16 units of the text before. */
export interface Replacement {
  readonly start: number
  readonly end: number
  readonly text: string
  /** The file's name: it tells two links of one length apart. */
  readonly name: string
  /** What a citation covers: a part of the text before, and of `text`, each from its start. @default all of it */
  readonly cited?: { readonly before?: Part; readonly after?: Part }
}

interface Part {
  readonly start: number
  readonly end: number
}

/** How long a text is, in UTF-16 units, and where the characters are that take two of them. */
export interface TextMeasure {
  readonly length: number
  readonly pairs: readonly number[]
}

/** What was learnt from one copy of a part and holds for the others, so that all copies agree. */
export interface SpanMemory {
  unit?: Unit
  readonly moved: Map<string, readonly [number, number]>
}

type Unit = 'utf16' | 'codePoint'

/** Gives a span's place in the new text, in the unit in which it came. */
export type MoveSpan = (start: number, end: number, name?: string) => readonly [number, number]

/** The memory of a part of which nothing has been seen. */
export function createSpanMemory(): SpanMemory {
  return { moved: new Map() }
}

/**
 * Prepares moving the spans of one text. A span that is a replaced link covers the link that replaced it, one behind it
 * moves along, one that is not inside the text stays.
 *
 * @param replacements in order, without overlap
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

/** Applies the replacements to the text. */
export function replaceIn(text: string, replacements: readonly Replacement[]): string {
  let at = 0
  let result = ''
  for (const { start, end, text: replacement } of replacements) {
    result += text.slice(at, start) + replacement
    at = end
  }
  return result + text.slice(at)
}

interface Ruler {
  readonly length: number
  /** The link that a span is, and where it is afterwards. */
  linkAt(start: number, end: number): MovedLink | undefined
  move(position: number): number
}

interface MovedLink {
  readonly replacement: Replacement
  readonly moved: readonly [number, number]
}

/** The replacements as they are measured in one unit. */
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
      // Inside a link, where only a wrong span ends, it stays as far behind the link's start as the new one reaches.
      return (
        start +
        link.shift +
        (position < end ? Math.min(offset, newLength) : offset + newLength - (end - start))
      )
    },
  }
}

/** Measures a text. */
export function measureText(text: string): TextMeasure {
  // Most have none, and that is told faster.
  if (!/[\uD800-\uDBFF]/.test(text)) return { length: text.length, pairs: [] }
  const astral = text.matchAll(/[\u{10000}-\u{10FFFF}]/gu)
  return { length: text.length, pairs: Array.from(astral, ({ index }) => index) }
}

/** Where a place that is counted in code points is in UTF-16 units. */
export function utf16Offset({ pairs }: TextMeasure, points: number): number {
  let low = 0
  let high = pairs.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((pairs[middle] ?? 0) - middle < points) low = middle + 1
    else high = middle
  }
  return points + low
}

/** A text's length in code points. */
export function codePointLength(text: string): number {
  const { length, pairs } = measureText(text)
  return length - pairs.length
}

function utf16Length(text: string): number {
  return text.length
}

/** How many of some ascending numbers are below a limit. */
export function countBelow(ascending: readonly number[], limit: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ascending[middle] ?? limit) < limit) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Takes large members and texts out of JSON before it is searched, and puts them back afterwards.
 *
 * @module
 */

import { isCfileError } from '../errors.ts'
import { joinBytes } from '../http/body.ts'
import { createByteSearch } from '../search.ts'
import { scanJson } from './scan.ts'
import { jsonTextAt } from './value.ts'

/** Size in bytes from which parts are taken out. Smaller JSON is searched as a whole. */
export const largeJson: number = 256 * 1024

/** JSON without its large parts. */
export interface SetAside {
  /** The remaining JSON. Absent if nothing was taken out. */
  readonly bytes?: Uint8Array<ArrayBuffer>
  /** Whether the rest has so many values that parsing it would block other requests. */
  readonly isDense: boolean
  /** Puts the parts back at their places in a possibly edited text. The pieces, concatenated, are the whole. */
  restore(bytes: Uint8Array): Uint8Array[]
}

/** The object whose members may be taken out. */
export interface Where {
  /** Place of the JSON in the bytes: `[start, end)`. */
  readonly start: number
  readonly end: number
  /** The member of the root that is the object; without it the root itself. */
  readonly member?: string
  /** Strings of at least this many bytes are taken out at any depth. @default 512 KiB */
  readonly longText?: number
}

interface Cut {
  readonly start: number
  readonly end: number
}

// Members that may contain files are kept.
const kept = new Set(
  'output data response choices message tool_calls content item part annotation delta text'.split(
    ' ',
  ),
)
const smallest = 64 * 1024
const longestText = 512 * 1024
const mostValues = 500_000

/**
 * Takes large members of an object out of JSON. Yields at points where other work may run.
 *
 * @param bytes that contain the JSON; not changed
 * @param where place of the JSON, and the object whose members may be large
 * @param token marks the places; must not occur in the bytes; letters, digits and dashes
 * @returns `undefined` for bytes that are not JSON
 */
export function* setAside(
  bytes: Uint8Array,
  where: Where,
  token: string,
): Generator<undefined, SetAside | undefined> {
  try {
    const { cuts, values } = yield* findCuts(bytes.subarray(where.start, where.end), where)
    const isDense = values > mostValues
    if (cuts.length === 0) return { isDense, restore: (whole) => [whole] }
    const encoder = new TextEncoder()
    const pieces = cuts.flatMap(({ start }, index) => [
      bytes.subarray(cuts[index - 1]?.end ?? 0, start),
      encoder.encode(`"${token}-${index}"`),
    ])
    const rest = yield* joinBytes([...pieces, bytes.subarray(cuts.at(-1)?.end)])
    const aside = cuts.map(({ start, end }) => bytes.subarray(start, end))
    return { bytes: rest, isDense, restore: createRestore(token, aside) }
  } catch (error) {
    if (isCfileError(error)) return undefined
    throw error
  }
}

/** Finds the parts to take out, and counts the values that remain. */
function* findCuts(
  json: Uint8Array,
  { start: offset, member, longText = longestText }: Where,
): Generator<undefined, { readonly cuts: readonly Cut[]; readonly values: number }> {
  const level = member === undefined ? 1 : 2
  const cuts: Cut[] = []
  let depth = 0
  let isInside = member === undefined
  let key = ''
  let memberStart = 0
  let values = 0
  let valuesBefore = 0
  const cut = (start: number, end: number): void => {
    // A larger part includes the parts that were taken out of it.
    while ((cuts.at(-1)?.start ?? 0) > offset + start) cuts.pop()
    cuts.push({ start: offset + start, end: offset + end })
  }
  yield* scanJson(json, {
    key(start, end) {
      if (depth === 1 && member !== undefined) isInside = jsonTextAt(json, start, end) === member
      if (depth !== level) return
      key = jsonTextAt(json, start, end) ?? ''
      valuesBefore = values
    },
    scalar(start, end) {
      values += 1
      const isLong = end - start >= (depth === level ? smallest : longText)
      if (isLong && isInside && depth >= level) cut(start, end)
    },
    open(start) {
      values += 1
      if (depth === level) memberStart = start
      depth += 1
    },
    close(end) {
      depth -= 1
      if (depth !== level || !isInside || kept.has(key) || end - memberStart < smallest) return
      cut(memberStart, end)
      values = valuesBefore
    },
  })
  return { cuts, values }
}

/** Creates the function that puts the parts back. */
function createRestore(token: string, aside: readonly Uint8Array[]): SetAside['restore'] {
  const find = createByteSearch(`"${token}-`)
  const opening = token.length + 2
  return (bytes) => {
    const pieces: Uint8Array[] = []
    let at = 0
    for (let mark = find(bytes); mark !== -1; mark = find(bytes, at)) {
      const end = bytes.indexOf(34, mark + opening)
      const index = Number(new TextDecoder().decode(bytes.subarray(mark + opening, end)))
      pieces.push(bytes.subarray(at, mark), aside[index] ?? new Uint8Array())
      at = end + 1
    }
    return [...pieces, bytes.subarray(at)]
  }
}

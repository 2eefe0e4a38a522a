/**
 * Searches for texts in bytes, which costs far less than decoding the bytes, and a binary search.
 *
 * @module
 */

import { once } from './once.ts'

/**
 * The bytes of an ASCII text.
 *
 * @param text characters up to U+00FF, each of which becomes one byte
 */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

/**
 * Whether the bytes at a place are the wanted ones.
 *
 * @param bytes to be examined; places beyond their end differ
 * @param start offset of the place
 * @param wanted bytes that must follow each other there
 */
export function hasBytes(bytes: Uint8Array, start: number, wanted: Uint8Array): boolean {
  for (let at = 0; at < wanted.length; at += 1) if (bytes[start + at] !== wanted[at]) return false
  return true
}

/** Finds a text between two places of some bytes: where it begins, or -1. */
type ByteSearch = (bytes: Uint8Array, start?: number, end?: number) => number

/**
 * Prepares a search for an ASCII text (Horspool's: it looks at one byte in as many as the text has).
 *
 * @param text of 1 to 255 characters
 */
export function createByteSearch(text: string): ByteSearch {
  const codes = bytesOf(text)
  const last = codes.length - 1
  const skip = new Uint8Array(256).fill(codes.length)
  for (const [at, code] of codes.subarray(0, last).entries()) skip[code] = last - at
  return (bytes, start = 0, end = bytes.length) => {
    let at = start + last
    while (at < end) {
      let back = 0
      while (back <= last && bytes[at - back] === codes[last - back]) back += 1
      if (back > last) return at - last
      at += skip[bytes[at] ?? 0] ?? 1
    }
    return -1
  }
}

/**
 * Prepares a search for any of some texts, at its first use.
 *
 * @param texts as for {@link createByteSearch}, those that occur most often first
 */
export function createAnySearch(texts: readonly string[]): (bytes: Uint8Array) => boolean {
  const searches = once(() => texts.map(createByteSearch))
  return (bytes) => searches().some((find) => find(bytes) !== -1)
}

/**
 * The first index below `length` that passes a test; `length` if none passes.
 *
 * @param passes once it is true for an index, it must be true for all later ones
 */
export function firstIndex(length: number, passes: (index: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >> 1
    if (passes(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/**
 * A mutable set of texts in sorted order.
 *
 * @module
 */

/** Texts in the order of their UTF-16 code units. */
export interface SortedKeys {
  /** Adds a key that is not present yet. */
  add(key: string): void
  remove(key: string): void
  /** The keys from `first` on, in order. The set must not change during the iteration. */
  from(first: string): Iterable<string>
}

// Keys are kept in short arrays: in one long array each insertion would move all later keys.
const mostInChunk = 256

/** Creates an empty set. */
export function createSortedKeys(): SortedKeys {
  const chunks: string[][] = [[]]

  /** The index of the chunk that contains the key or would contain it. */
  function chunkOf(key: string): number {
    return Math.max(0, firstIndex(chunks.length, (index) => (chunks[index]?.[0] ?? '') > key) - 1)
  }

  function indexIn(chunk: readonly string[], key: string): number {
    return firstIndex(chunk.length, (index) => (chunk[index] ?? '') >= key)
  }

  return {
    add(key) {
      const at = chunkOf(key)
      const chunk = chunks[at] ?? []
      chunk.splice(indexIn(chunk, key), 0, key)
      if (chunk.length > mostInChunk) chunks.splice(at + 1, 0, chunk.splice(mostInChunk / 2))
    },

    remove(key) {
      const at = chunkOf(key)
      const chunk = chunks[at] ?? []
      const index = indexIn(chunk, key)
      if (chunk[index] !== key) return
      chunk.splice(index, 1)
      if (chunk.length === 0 && chunks.length > 1) chunks.splice(at, 1)
    },

    *from(first) {
      let at = chunkOf(first)
      const chunk = chunks[at] ?? []
      yield* chunk.slice(indexIn(chunk, first))
      while (++at < chunks.length) yield* chunks[at] ?? []
    },
  }
}

/** The first index below `length` that passes a monotonic test; `length` if none passes. */
function firstIndex(length: number, passes: (index: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >> 1
    if (passes(middle)) high = middle
    else low = middle + 1
  }
  return low
}

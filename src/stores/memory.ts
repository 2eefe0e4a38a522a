/**
 * A store in process memory. It is the reference for all other stores, and fits tests, demos and a single short-lived
 * instance. Keys are kept sorted, because lists are read by prefix and in order.
 *
 * @module
 */

import { firstIndex } from '../core/search.ts'
import type { Json, Store, StoreEntry } from './store.ts'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** The current time in unix seconds, for lifetimes. */
  readonly now: () => number
  /** Maximum number of values; the oldest are removed first. @default 100000 */
  readonly maxEntries?: number
}

/**
 * Creates a store that lasts as long as the process.
 *
 * @param options clock, and how many values are kept
 */
export function memoryStore({ now, maxEntries = 100_000 }: MemoryStoreOptions): Store {
  // JSON text instead of objects: later changes by a caller must not reach the store.
  const entries = new Map<string, { text: string; expires: number }>()
  // With sorted keys a list reads only the keys that it returns.
  const keys = createSortedKeys()

  function read(key: string): Json | undefined {
    const entry = entries.get(key)
    if (entry === undefined) return undefined
    if (entry.expires > now()) return JSON.parse(entry.text)
    remove(key)
    return undefined
  }

  function remove(key: string): void {
    if (entries.delete(key)) keys.remove(key)
  }

  return {
    get: async (key) => read(key),

    async put(key, value, { ttl, ifAbsent = false } = {}) {
      if (ifAbsent && read(key) !== undefined) return false
      // Deleted first: a Map keeps the position of a key that is set again, but the oldest must come first.
      if (!entries.delete(key)) keys.add(key)
      entries.set(key, {
        text: JSON.stringify(value),
        expires: ttl === undefined ? Number.POSITIVE_INFINITY : now() + ttl,
      })
      for (const oldest of entries.keys()) {
        if (entries.size <= maxEntries) break
        remove(oldest)
      }
      return true
    },

    async delete(key) {
      remove(key)
    },

    async list(prefix, { after = '', limit = 100 } = {}) {
      const found: StoreEntry[] = []
      const expired: string[] = []
      for (const key of keys.from(after > prefix ? after : prefix)) {
        if (found.length === limit || !key.startsWith(prefix)) break
        const { text, expires } = entries.get(key) ?? { text: 'null', expires: 0 }
        if (expires <= now()) expired.push(key)
        else if (key !== after) found.push({ key, value: JSON.parse(text) })
      }
      expired.forEach(remove)
      return found
    },
  }
}

/** Texts in the order of their UTF-16 code units. */
interface SortedKeys {
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

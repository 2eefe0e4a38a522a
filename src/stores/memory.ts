/**
 * A store in process memory. It is the reference for all other stores, and fits tests, demos and a single short-lived
 * instance.
 *
 * @module
 */

import { createSortedKeys } from '../core/sorted-keys.ts'
import type { Json, Store, StoreEntry } from './store.ts'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** The current time in unix seconds, for lifetimes. */
  readonly now: () => number
  /** Maximum number of values; the oldest are removed first. @default 100000 */
  readonly maxEntries?: number
}

/** Creates a store that lasts as long as the process. */
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

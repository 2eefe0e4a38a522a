/**
 * A store in this process: the reference for all others, right for tests, demos and a single short-lived instance.
 *
 * @module
 */

import { createSortedKeys } from '../core/sorted-keys.ts'
import type { Json, Store, StoreEntry } from './store.ts'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** Unix seconds, for lifetimes. */
  readonly now: () => number
  /** Values kept; beyond it the oldest go first. @default 100000 */
  readonly maxEntries?: number
}

/** Keeps values in a `Map`, and its keys in order beside it; all is gone with the process. */
export function memoryStore({ now, maxEntries = 100_000 }: MemoryStoreOptions): Store {
  // JSON text, not objects: what a caller does to a value afterwards must not reach the store.
  const entries = new Map<string, { text: string; expires: number }>()
  // Lets a list read no more keys than it returns.
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
      // Deleted first, since a Map keeps the place of a key that is set again, and the oldest have to come first.
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

/**
 * A store in this process: the reference for all others, right for tests, demos and a single short-lived instance.
 *
 * @module
 */

import type { Json, Store } from './store.ts'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** Unix seconds, for lifetimes. */
  readonly now: () => number
  /** Values kept; beyond it the oldest go first. @default 100000 */
  readonly maxEntries?: number
}

/** Keeps values in a `Map`; all is gone with the process. */
export function memoryStore({ now, maxEntries = 100_000 }: MemoryStoreOptions): Store {
  // JSON text, not objects: what a caller does to a value afterwards must not reach the store.
  const entries = new Map<string, { text: string; expires: number }>()

  function read(key: string): Json | undefined {
    const entry = entries.get(key)
    if (entry === undefined) return undefined
    if (entry.expires > now()) return JSON.parse(entry.text)
    entries.delete(key)
    return undefined
  }

  return {
    get: async (key) => read(key),

    async put(key, value, { ttl, ifAbsent = false } = {}) {
      if (ifAbsent && read(key) !== undefined) return false
      entries.delete(key)
      entries.set(key, {
        text: JSON.stringify(value),
        expires: ttl === undefined ? Number.POSITIVE_INFINITY : now() + ttl,
      })
      for (const oldest of entries.keys()) {
        if (entries.size <= maxEntries) break
        entries.delete(oldest)
      }
      return true
    },

    async delete(key) {
      entries.delete(key)
    },

    async list(prefix, { after = '', limit = 100 } = {}) {
      const keys = [...entries.keys()].filter((key) => key.startsWith(prefix) && key > after).sort()
      const found = []
      for (const key of keys) {
        const value = read(key)
        if (value !== undefined) found.push({ key, value })
        if (found.length === limit) break
      }
      return found
    },
  }
}

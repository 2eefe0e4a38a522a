/**
 * Cloudflare KV as documented, with several locations (https://developers.cloudflare.com/kv/concepts/how-kv-works/). A
 * location remembers each result of a read, found or not, for 60 s. Usually a location shows its own writes at once,
 * which is not guaranteed: `showsOwnWrites`.
 */

import type { KvBinding } from '../../src/stores/cloudflare-kv.ts'

interface Item {
  readonly value: string
  readonly metadata: unknown
  readonly expiration: number
}

export interface KvWorld {
  /** The binding of a Worker at a location. */
  at(location: string): KvBinding
  /** The existing keys, including those that the store creates for itself. */
  names(): string[]
  /** The key of each lookup so far. */
  readonly lookups: readonly string[]
}

const cacheSeconds = 60

export function openKvWorld(now: () => number, { showsOwnWrites = false } = {}): KvWorld {
  const central = new Map<string, Item>()
  const lookups: string[] = []
  const alive = (name: string): Item | undefined => {
    const item = central.get(name)
    return item !== undefined && item.expiration > now() ? item : undefined
  }
  const names = () => [...central.keys()].filter((name) => alive(name) !== undefined).sort()

  return {
    lookups,
    names,
    at() {
      const seen = new Map<string, { item: Item | undefined; at: number }>()
      return {
        async getWithMetadata(key) {
          lookups.push(key)
          const known = seen.get(key)
          const isFresh = known !== undefined && known.at + cacheSeconds > now()
          const item = isFresh ? known.item : alive(key)
          if (!isFresh) seen.set(key, { item, at: now() })
          return { value: item?.value ?? null, metadata: item?.metadata ?? null }
        },
        async put(key, value, { expirationTtl, metadata }) {
          if (expirationTtl !== undefined && expirationTtl < 60)
            throw new Error(`KV PUT failed: 400 Invalid expiration_ttl of ${expirationTtl}.`)
          const json = JSON.stringify(metadata)
          if (json.length > 1024 || !/^[\x20-\x7e]*$/.test(json))
            throw new Error('KV PUT failed: metadata is longer than 1024 bytes, or no header.')
          if (showsOwnWrites) seen.delete(key)
          central.set(key, {
            value,
            metadata: JSON.parse(json),
            expiration: expirationTtl === undefined ? Infinity : now() + expirationTtl,
          })
        },
        async delete(key) {
          if (showsOwnWrites) seen.delete(key)
          central.delete(key)
        },
        async list({ prefix, limit = 1000, cursor = '' }) {
          const found = names().filter((name) => name.startsWith(prefix) && name > cursor)
          const page = found.slice(0, limit)
          return {
            keys: page.map((name) => ({ name, metadata: central.get(name)?.metadata })),
            list_complete: page.length === found.length,
            cursor: page.at(-1) ?? '',
          }
        },
      }
    },
  }
}

/**
 * A store in Cloudflare KV. Reads are fast everywhere, but changes reach all locations only within a minute.
 *
 * Each KV location caches a miss for 60 s (https://developers.cloudflare.com/kv/concepts/how-kv-works/). This would hide a
 * file from a client that asks a moment too early. So the store does not rely on a miss:
 *
 * - A value of up to about 900 bytes, which covers nearly every record, is also stored in the metadata of its key, and
 *   a *list* of the namespace returns metadata. A `get` without a result is followed by a list of exactly that key.
 * - The metadata of a larger value names a second key with the same value, which expires after five minutes. That key was
 *   never read before, so no location has cached a miss.
 * - `ifAbsent` reads only the list, so that no location caches a miss.
 *
 * Limits: for 60 s after a value is *replaced* or deleted, other locations may see the old value; the list may be as
 * old; and a claim is exact only within one isolate. D1 has none of these limits.
 *
 * @module
 */

import { shortHash } from '../core/encoding.ts'
import type { Json, Store, StoreEntry } from './store.ts'

/** A key in a list of a {@link KvBinding}. */
export interface KvListed {
  readonly name: string
  readonly metadata?: unknown
}

/** The part of a KV namespace that is used. */
export interface KvBinding {
  getWithMetadata(
    key: string,
    type: 'text',
  ): Promise<{ readonly value: string | null; readonly metadata: unknown }>
  put(
    key: string,
    value: string,
    options: { expirationTtl?: number; metadata: unknown },
  ): Promise<void>
  delete(key: string): Promise<void>
  list(options: { prefix: string; limit?: number; cursor?: string }): Promise<{
    readonly keys: readonly KvListed[]
    readonly list_complete: boolean
    readonly cursor?: string
  }>
}

/** Options of {@link kvStore}. */
export interface KvStoreOptions {
  readonly namespace: KvBinding
  /** The current time in unix seconds, for lifetimes. */
  readonly now: () => number
}

/** The metadata of a key: at most 1024 bytes of JSON. */
interface Metadata {
  /** Unix second. KV itself keeps every value for at least 60 s. */
  readonly expires?: number
  /** A small value as ASCII JSON, because workerd sends metadata in a header. */
  readonly text?: string
  /** The second key of a larger value. */
  readonly copy?: string
}

const shortestTtl = 60
const longestMetadata = 1024
const copyTtl = 300
/** Prefix of second keys. Keys of the store are printable, so they never begin with it. */
const copyMark = '\u0001'

/**
 * Creates a store that keeps each value under its own key.
 *
 * @param options a binding of `kv_namespaces` in wrangler.toml, and the clock
 */
export function kvStore({ namespace, now }: KvStoreOptions): Store {
  const claiming = new Set<string>()

  async function put(key: string, value: Json, ttl: number | undefined): Promise<void> {
    const text = JSON.stringify(value)
    const expires = ttl === undefined ? undefined : now() + ttl
    const small: Metadata = { expires, text: toAscii(text) }
    const lifetime =
      ttl === undefined ? {} : { expirationTtl: Math.max(shortestTtl, Math.ceil(ttl)) }
    if (JSON.stringify(small).length <= longestMetadata) {
      await namespace.put(key, text, { ...lifetime, metadata: small })
      return
    }
    const copy = `${copyMark}${now()}-${await shortHash(key + text)}`
    const metadata: Metadata = { expires, copy }
    await namespace.put(copy, text, { expirationTtl: copyTtl, metadata: { expires } })
    await namespace.put(key, text, { ...lifetime, metadata })
  }

  const isAlive = ({ expires }: Metadata): boolean => expires === undefined || expires > now()

  async function read(name: string): Promise<Json | undefined> {
    const { value, metadata } = await namespace.getWithMetadata(name, 'text')
    return value !== null && isAlive(toMetadata(metadata)) ? JSON.parse(value) : undefined
  }

  async function fromListed({ name, metadata }: KvListed): Promise<Json | undefined> {
    const { copy, ...about } = toMetadata(metadata)
    if (!isAlive(about)) return undefined
    if (about.text !== undefined) return JSON.parse(about.text)
    // The second key first, because a location may have cached a miss of the key itself.
    return (copy === undefined ? undefined : await read(copy)) ?? (await read(name))
  }

  async function* listed(prefix: string, limit?: number): AsyncGenerator<KvListed> {
    for (let cursor: string | undefined; ; ) {
      const page = await namespace.list({ prefix, limit, cursor })
      for (const key of page.keys) if (!key.name.startsWith(copyMark)) yield key
      // A page may be empty without being the last: recently deleted keys are counted.
      if (page.list_complete) return
      cursor = page.cursor
    }
  }

  async function readListed(key: string): Promise<Json | undefined> {
    // The key itself sorts before all keys that begin with it.
    for await (const first of listed(key, 1)) {
      return first.name === key ? fromListed(first) : undefined
    }
    return undefined
  }

  async function claim(key: string, value: Json, ttl: number | undefined): Promise<boolean> {
    if (claiming.has(key)) return false
    claiming.add(key)
    try {
      if ((await readListed(key)) !== undefined) return false
      await put(key, value, ttl)
      return true
    } finally {
      claiming.delete(key)
    }
  }

  return {
    get: async (key) => (await read(key)) ?? (await readListed(key)),

    async put(key, value, { ttl, ifAbsent = false } = {}) {
      if (ifAbsent) return claim(key, value, ttl)
      await put(key, value, ttl)
      return true
    },

    delete: (key) => namespace.delete(key),

    async list(prefix, { after = '', limit = 100 } = {}) {
      const found: StoreEntry[] = []
      for await (const key of listed(prefix)) {
        if (key.name <= after) continue
        const value = await fromListed(key)
        if (value !== undefined) found.push({ key: key.name, value })
        if (found.length === limit) break
      }
      return found
    },
  }
}

/** The metadata of a key. Another program may have written anything. */
function toMetadata(metadata: unknown): Metadata {
  return typeof metadata === 'object' && metadata !== null ? metadata : {}
}

/** Escapes all but printable ASCII in JSON text. */
function toAscii(json: string): string {
  return json.replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

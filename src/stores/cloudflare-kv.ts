/**
 * A store in Cloudflare KV, which is read everywhere within milliseconds and agrees with itself within a minute.
 *
 * KV remembers for 60 s, in each of its locations, that a key was **not** there when it was looked up
 * (https://developers.cloudflare.com/kv/concepts/how-kv-works/), and would so hide a file from whoever asked for it a
 * moment too early. Therefore nothing here takes a miss for an answer:
 *
 * - a value of up to about 900 bytes, which is nearly every record, also lies in the metadata of its key, and metadata
 *   comes with a *list* of the namespace. A `get` that finds nothing is followed by a list of exactly that key;
 * - the metadata of a larger value names a second key with the same value, for five minutes. It was never looked up by
 *   anybody, so no location can remember that it is missing;
 * - `ifAbsent` looks at the list only and so never makes a location remember a miss.
 *
 * What remains: a value that is *replaced* or deleted may be seen as it was for 60 s elsewhere, the list itself is
 * promised to be no older than that, and a claim is exact within an isolate but not between two. D1 has none of this.
 *
 * @module
 */

import { shortHash } from '../core/http/encoding.ts'
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
  /** Unix seconds, for lifetimes. */
  readonly now: () => number
}

/** What lies in the metadata of a key: at most 1024 bytes of JSON. */
interface Metadata {
  /** Unix second; KV itself ends no value before 60 s are over. */
  readonly expires?: number
  /** The value, if it is small: JSON in ASCII, since workerd sends metadata in a header. */
  readonly text?: string
  /** The key of a value that is not. */
  readonly copy?: string
}

const shortestTtl = 60
const longestMetadata = 1024
const copyTtl = 300
/** Keys that begin so are the copies of large values. No key of the store does: those are printable. */
const copyMark = '\u0001'

/** Keeps each value under its own key. */
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
    // The copy first: a miss of the key itself may be remembered, one of the copy never is while it matters.
    return (copy === undefined ? undefined : await read(copy)) ?? (await read(name))
  }

  async function* listed(prefix: string, limit?: number): AsyncGenerator<KvListed> {
    for (let cursor: string | undefined; ; ) {
      const page = await namespace.list({ prefix, limit, cursor })
      for (const key of page.keys) if (!key.name.startsWith(copyMark)) yield key
      // A page may be empty and not the last: keys that were deleted of late are walked over.
      if (page.list_complete) return
      cursor = page.cursor
    }
  }

  async function readListed(key: string): Promise<Json | undefined> {
    // The key itself sorts before all that only begin with it.
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

function toMetadata(metadata: unknown): Metadata {
  return typeof metadata === 'object' && metadata !== null ? metadata : {}
}

function toAscii(json: string): string {
  return json.replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

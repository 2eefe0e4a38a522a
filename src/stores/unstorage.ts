/**
 * A store in anything that `unstorage` has a driver for: Azure Table, Cosmos DB, Postgres, MongoDB …
 *
 * As exact as the driver: a claim (`ifAbsent`) is so within this process only, and a list reads the keys of the whole
 * folder that the prefix is in.
 *
 * @module
 */

import type { Json, Store, StoreEntry } from './store.ts'

/** The part of unstorage's `Storage` that is used. */
export interface UnstorageClient {
  getItem(key: string): Promise<unknown>
  setItem(key: string, value: string, options?: { ttl?: number }): Promise<void>
  removeItem(key: string): Promise<void>
  getKeys(base?: string): Promise<string[]>
}

/** Options of {@link unstorageStore}. */
export interface UnstorageStoreOptions {
  readonly storage: UnstorageClient
  /** Unix seconds, for lifetimes; not every driver has them. */
  readonly now: () => number
  /** The folder of all keys: letters, digits and `-`. @default 'cfile' */
  readonly base?: string
}

const graceSeconds = 24 * 3600

/** Keeps each value under `<base>:<segment>:…:<segment>_`. */
export function unstorageStore({ storage, now, base = 'cfile' }: UnstorageStoreOptions): Store {
  const claiming = new Set<string>()
  const nameOf = (key: string): string => `${base}:${encodeKey(key)}`

  async function read(name: string): Promise<Json | undefined> {
    const text = await storage.getItem(name)
    const entry = typeof text === 'string' ? /^v1 (\S+) (.*)$/s.exec(text) : null
    if (entry?.[1] === undefined || entry[2] === undefined) return undefined
    const expires = entry[1] === 'stays' ? Number.POSITIVE_INFINITY : Number(entry[1])
    if (expires > now()) return JSON.parse(entry[2])
    // Not at once: another process may be claiming the key anew, and its value would go instead.
    if (expires + graceSeconds <= now()) await storage.removeItem(name)
    return undefined
  }

  async function write(key: string, value: Json, ttl: number | undefined): Promise<true> {
    const expires = ttl === undefined ? 'stays' : String(now() + ttl)
    // Not JSON as a whole: unstorage would parse it, and drop what it holds for dangerous.
    const text = `v1 ${expires} ${JSON.stringify(value)}`
    await storage.setItem(nameOf(key), text, ttl === undefined ? {} : { ttl: Math.ceil(ttl) })
    return true
  }

  async function claim(key: string, value: Json, ttl: number | undefined): Promise<boolean> {
    if (claiming.has(key)) return false
    claiming.add(key)
    try {
      return (await read(nameOf(key))) === undefined && (await write(key, value, ttl))
    } finally {
      claiming.delete(key)
    }
  }

  return {
    get: (key) => read(nameOf(key)),

    put: (key, value, { ttl, ifAbsent = false } = {}) =>
      (ifAbsent ? claim : write)(key, value, ttl),

    delete: (key) => storage.removeItem(nameOf(key)),

    async list(prefix, { after = '', limit = 100 } = {}) {
      const names = await storage.getKeys(folderOf(base, prefix))
      const keys = names
        .flatMap((name) => decodeKey(name.slice(base.length + 1)) ?? [])
        .filter((key) => key.startsWith(prefix) && key > after)
        .sort()
      const found: StoreEntry[] = []
      for (const key of keys) {
        const value = await read(nameOf(key))
        if (value !== undefined) found.push({ key, value })
        if (found.length === limit) break
      }
      return found
    },
  }
}

// unstorage rewrites keys (`/` and `\` become `:`, several of them one, `?…` and a last `$` mean something), and some
// drivers make folders of the segments. So each segment is letters, digits, `-` and `_hh` for everything else, an
// empty one is `__`, and the last has one `_` more, that no key is ever the folder of another.

function encodeKey(key: string): string {
  return `${key.split('/').map(encodeSegment).join(':')}_`
}

function encodeSegment(segment: string): string {
  if (segment === '') return '__'
  return segment.replace(
    /[^A-Za-z0-9-]/g,
    (char) => `_${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

function decodeKey(name: string): string | undefined {
  if (!name.endsWith('_')) return undefined
  const decoded = name
    .slice(0, -1)
    .split(':')
    .map((segment) =>
      segment === '__'
        ? ''
        : segment.replace(/_([0-9a-f]{2})/g, (_, hex) =>
            String.fromCharCode(Number.parseInt(hex, 16)),
          ),
    )
    .join('/')
  return encodeKey(decoded) === name ? decoded : undefined
}

/** The deepest folder that holds all keys with the prefix. */
function folderOf(base: string, prefix: string): string {
  const folders = prefix.split('/').slice(0, -1).map(encodeSegment)
  return [base, ...folders].join(':')
}

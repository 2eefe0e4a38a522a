/**
 * A store in any backend for which `unstorage` has a driver: Azure Table, Cosmos DB, Postgres, MongoDB and others.
 *
 * Its guarantees depend on the driver. A claim (`ifAbsent`) is exact only within this process. A list reads all keys of
 * the folder that contains the prefix.
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
  /** The current time in unix seconds, for lifetimes. Not every driver supports them. */
  readonly now: () => number
  /** The folder for all keys: letters, digits and `-`. @default 'cfile' */
  readonly base?: string
}

const graceSeconds = 24 * 3600

/**
 * Creates a store that keeps each value under `<base>:<segment>:…:<segment>_`.
 *
 * @param options a storage of unstorage with any driver
 * @throws (by each method) the error of the driver
 * @see https://unstorage.unjs.io/drivers
 */
export function unstorageStore({ storage, now, base = 'cfile' }: UnstorageStoreOptions): Store {
  const claiming = new Set<string>()
  const nameOf = (key: string): string => `${base}:${encodeKey(key)}`

  async function read(name: string): Promise<Json | undefined> {
    const text = await storage.getItem(name)
    const entry = typeof text === 'string' ? /^v1 (\S+) (.*)$/s.exec(text) : null
    if (entry?.[1] === undefined || entry[2] === undefined) return undefined
    const expires = entry[1] === 'stays' ? Number.POSITIVE_INFINITY : Number(entry[1])
    if (expires > now()) return JSON.parse(entry[2])
    // Not at once: another process may be claiming the key again, and its value would be removed.
    if (expires + graceSeconds <= now()) await storage.removeItem(name)
    return undefined
  }

  async function write(key: string, value: Json, ttl: number | undefined): Promise<true> {
    const expires = ttl === undefined ? 'stays' : String(now() + ttl)
    // Not plain JSON: unstorage would parse it and drop parts that it considers dangerous.
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

// unstorage rewrites keys: `/` and `\` become `:`, repeated separators become one, `?…` and a final `$` have a meaning.
// Some drivers create folders from segments. So each segment consists of letters, digits, `-`, and `_hh` for any other
// character. An empty segment is `__`. The last segment ends with one more `_`, so that no key is a folder of another.

/** The name of a key in the backend. {@link decodeKey} is the inverse. */
function encodeKey(key: string): string {
  return `${key.split('/').map(encodeSegment).join(':')}_`
}

/** One segment of a key, in characters that every driver keeps. */
function encodeSegment(segment: string): string {
  if (segment === '') return '__'
  return segment.replace(
    /[^A-Za-z0-9-]/g,
    (char) => `_${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

/** The key of a name; `undefined` for names that this store did not write. */
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

/** The deepest folder that contains all keys with the prefix. */
function folderOf(base: string, prefix: string): string {
  const folders = prefix.split('/').slice(0, -1).map(encodeSegment)
  return [base, ...folders].join(':')
}

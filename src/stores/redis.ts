/**
 * A store in Redis 7 or Valkey, for several instances that must see each other's writes at once.
 *
 * Each value has a key of its own, so that Redis removes it when it expires. Lists need the keys in order, but Redis does
 * not keep them in order, and `SCAN` reads the whole database. So a sorted set contains all keys and is read by
 * lexicographic range. A script writes a value and its entry in the set together. When a value expires, is evicted or is
 * deleted by hand, its entry stays. Lists skip such entries, and each write checks four random entries and removes those
 * without a value, so that at most about a third of the entries are stale.
 *
 * @module
 */

import type { Store, StoreEntry } from './store.ts'

/** A connected client of the package `redis` (5 or newer), or any client that sends a command as a list of words. */
export interface RedisClient {
  sendCommand(args: string[]): Promise<unknown>
}

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  readonly client: RedisClient
  /**
   * Prefix of all keys. In a cluster, the part in braces selects the slot; a script needs all its keys in one slot.
   *
   * @default '{cfile}:'
   */
  readonly prefix?: string
}

// KEYS: the value, the sorted set. ARGV: key, value, lifetime in ms or '', '1' to write only if absent, prefix of values.
const putScript = `
local set = {KEYS[1], ARGV[2]}
if ARGV[3] ~= '' then set[3] = 'PX'; set[4] = ARGV[3] end
if ARGV[4] == '1' then set[#set + 1] = 'NX' end
if not redis.call('SET', unpack(set)) then return 0 end
redis.call('ZADD', KEYS[2], 0, ARGV[1])
for _, name in ipairs(redis.call('ZRANDMEMBER', KEYS[2], 4)) do
  if redis.call('EXISTS', ARGV[5] .. name) == 0 then redis.call('ZREM', KEYS[2], name) end
end
return 1`

const deleteScript = `redis.call('DEL', KEYS[1]) return redis.call('ZREM', KEYS[2], ARGV[1])`

/**
 * Creates a store that keeps values under `<prefix>v:<key>` and their keys in the sorted set `<prefix>keys`.
 *
 * @param options a connected client, and the prefix of all keys
 * @throws (by each method) the error of the client, which the gateway answers with `not_ready`
 */
export function redisStore({ client, prefix = '{cfile}:' }: RedisStoreOptions): Store {
  const send = (...args: string[]) => client.sendCommand(args)
  const valueKey = (key: string): string => `${prefix}v:${key}`
  const names = `${prefix}keys`

  async function* entriesFrom(
    keys: string,
    after: string,
    size: number,
  ): AsyncGenerator<StoreEntry> {
    // Keys are ASCII, so the prefix followed by a higher character sorts after every key with the prefix.
    const end = `(${keys}\u00ff`
    for (let start = after > keys ? `(${after}` : `[${keys}`; ; ) {
      const found = await send('ZRANGEBYLEX', names, start, end, 'LIMIT', '0', String(size))
      const page = found as string[]
      if (page.length === 0) return
      const values = (await send('MGET', ...page.map(valueKey))) as (string | null)[]
      for (const [index, key] of page.entries()) {
        const text = values[index]
        if (typeof text === 'string') yield { key, value: JSON.parse(text) }
      }
      if (page.length < size) return
      start = `(${page.at(-1)}`
    }
  }

  return {
    async get(key) {
      const text = await send('GET', valueKey(key))
      return typeof text === 'string' ? JSON.parse(text) : undefined
    },

    async put(key, value, { ttl, ifAbsent = false } = {}) {
      const lifetime = ttl === undefined ? '' : String(Math.max(1, Math.round(ttl * 1000)))
      const about = [JSON.stringify(value), lifetime, ifAbsent ? '1' : '0', valueKey('')]
      return (await send('EVAL', putScript, '2', valueKey(key), names, key, ...about)) === 1
    },

    async delete(key) {
      await send('EVAL', deleteScript, '2', valueKey(key), names, key)
    },

    async list(keys, { after = '', limit = 100 } = {}) {
      const found: StoreEntry[] = []
      for await (const entry of entriesFrom(keys, after, limit)) {
        found.push(entry)
        if (found.length === limit) break
      }
      return found
    },
  }
}

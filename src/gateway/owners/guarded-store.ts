/**
 * The store as the gateway uses it: whatever it throws means that it is down.
 *
 * @module
 */

import { CfileError, isCfileError } from '../../core/errors.ts'
import type { Store } from '../../stores/store.ts'

/** A store whose failures are told as `not_ready`. */
export interface GuardedStore extends Store {
  /**
   * Tries whether the store can be read. It is written to only until a write has succeeded, and again after one failed.
   *
   * @throws CfileError `not_ready`
   */
  check(): Promise<void>
}

const probeLifetime = 60

/**
 * Makes each failure a CfileError `not_ready`.
 *
 * @param random from 0 to 1
 */
export function guardStore(store: Store, random: () => number): GuardedStore {
  let isWritable = false
  const guarded = async <T>(task: () => Promise<T>): Promise<T> => {
    try {
      return await task()
    } catch (error) {
      throw isCfileError(error) ? error : storeDown(error)
    }
  }
  const put: Store['put'] = async (key, value, options) => {
    try {
      const isPut = await guarded(() => store.put(key, value, options))
      isWritable = true
      return isPut
    } catch (error) {
      isWritable = false
      throw error
    }
  }
  return {
    get: (key) => guarded(() => store.get(key)),
    put,
    delete: (key) => guarded(() => store.delete(key)),
    list: (prefix, options) => guarded(() => store.list(prefix, options)),
    async check() {
      // A key of its own, since Cloudflare KV takes one write a second for each.
      const key = `probe/${Math.floor(random() * 1e9)}`
      if (isWritable) await guarded(() => store.get(key))
      else await put(key, true, { ttl: probeLifetime })
    },
  }
}

/** Whether that is what a guarded store throws. */
export function isStoreDown(error: unknown): boolean {
  return isCfileError(error) && error.code === 'not_ready'
}

function storeDown(cause: unknown): CfileError {
  return new CfileError('not_ready', 'The store of the gateway can not be read or written now.', {
    hint: 'Ask again in a while. Whoever runs the gateway finds the cause in its log; CFILE_STORE names the store.',
    headers: { 'retry-after': '2' },
    cause,
  })
}

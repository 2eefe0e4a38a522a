/**
 * The store as the gateway uses it: every failure becomes a `not_ready` error.
 *
 * @module
 */

import { CfileError, isCfileError } from '../../core/errors.ts'
import type { Store } from '../../stores/store.ts'

/** A store whose failures are CfileErrors `not_ready`. */
export interface GuardedStore extends Store {
  /**
   * Checks that the store can be read, and that it can be written unless the last write succeeded.
   *
   * @throws CfileError `not_ready`
   */
  check(): Promise<void>
}

const probeLifetime = 60

/**
 * Wraps a store so that each failure is a CfileError `not_ready`.
 *
 * @param random returns a number from 0 to 1
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
      // A random key, since Cloudflare KV accepts one write per second to a key.
      const key = `probe/${Math.floor(random() * 1e9)}`
      if (isWritable) await guarded(() => store.get(key))
      else await put(key, true, { ttl: probeLifetime })
    },
  }
}

/** Whether an error is the `not_ready` of a guarded store. */
export function isStoreDown(error: unknown): boolean {
  return isCfileError(error) && error.code === 'not_ready'
}

/** Creates the error for a store that fails. */
function storeDown(cause: unknown): CfileError {
  return new CfileError('not_ready', 'The store of the gateway cannot be read or written now.', {
    hint: 'Try again later. The operator finds the cause in the log; CFILE_STORE names the store.',
    headers: { 'retry-after': '2' },
    cause,
  })
}

/**
 * The store as the gateway uses it: whatever it throws means that it is down.
 *
 * @module
 */

import { CfileError, isCfileError } from '../core/errors.ts'
import type { Store } from '../stores/store.ts'

/** Makes each failure a CfileError `not_ready`. */
export function guardStore(store: Store): Store {
  const guarded = async <T>(task: () => Promise<T>): Promise<T> => {
    try {
      return await task()
    } catch (error) {
      throw isCfileError(error) ? error : storeDown(error)
    }
  }
  return {
    get: (key) => guarded(() => store.get(key)),
    put: (key, value, options) => guarded(() => store.put(key, value, options)),
    delete: (key) => guarded(() => store.delete(key)),
    list: (prefix, options) => guarded(() => store.list(prefix, options)),
  }
}

/** Whether that is what a guarded store throws. */
export function isStoreDown(error: unknown): boolean {
  return isCfileError(error) && error.code === 'not_ready'
}

function storeDown(cause: unknown): CfileError {
  return new CfileError('not_ready', 'What is recorded can not be read or written just now.', {
    hint: 'Ask again in a while. Whoever runs the gateway finds the cause in its log, and the store in CFILE_STORE.',
    headers: { 'retry-after': '2' },
    cause,
  })
}

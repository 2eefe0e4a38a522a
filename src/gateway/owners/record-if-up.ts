/**
 * Recording that tolerates a store that is down.
 *
 * @module
 */

import { isCfileError } from '../../core/errors.ts'
import type { Log } from '../gateway.ts'
import { isStoreDown } from './guarded-store.ts'

/**
 * Waits until the contents of an answer are recorded. When the store is down, the answer passes anyway, since the client
 * has paid for it, and the log gets the ids.
 *
 * @param recording the write under way
 * @param shows ids that should have been recorded, for the log
 */
export async function recordIfUp(
  log: Log,
  recording: Promise<void>,
  shows: Readonly<Record<string, unknown>>,
): Promise<void> {
  try {
    await recording
  } catch (error) {
    if (!isStoreDown(error)) throw error
    const cause = String(isCfileError(error) ? error.cause : error)
    log('error', 'The store is down, so what an answer shows is not recorded.', { ...shows, cause })
  }
}

/**
 * Recording what an answer shows that is already paid for.
 *
 * @module
 */

import { isCfileError } from '../../core/errors.ts'
import type { Log } from '../gateway.ts'
import { isStoreDown } from './guarded-store.ts'

/**
 * Waits for the recording of what an answer shows. If the store has failed since the request was sent, the answer is
 * paid for and passes; the log says what it shows.
 *
 * @param shows what should have been recorded, for the log
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

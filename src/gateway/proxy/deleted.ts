/**
 * Deleted: what is deleted upstream through the gateway is erased here too.
 *
 * @module
 */

import { eraseThing } from '../archive/erase.ts'
import type { Caller, Gateway } from '../gateway.ts'
import type { Understood } from './request.ts'

/**
 * Erases the record of a thing that was deleted upstream, and the copy where it is a file: the caller's, or everybody's
 * where an admin deleted it. A container may go while its record and its copies stay: that is what they are for.
 */
export async function followDeletion(
  gateway: Gateway,
  caller: Caller,
  { request: { signal }, operation: { shows, ids } }: Understood,
): Promise<void> {
  const thing = ids.at(-1)
  if (shows !== 'gone' || thing === undefined || thing.kind === 'container') return
  try {
    await eraseThing(gateway, caller, thing, signal)
  } catch (error) {
    signal.throwIfAborted()
    const message =
      'The archive or the store does not answer, so the record or the copy of a deleted thing is still there.'
    gateway.log('warn', message, { kind: thing.kind, cause: String(error) })
  }
}

/**
 * Erases the records and copies of things that a client deletes through the API.
 *
 * @module
 */

import { eraseThing } from '../../archive/erase.ts'
import type { Caller, Gateway } from '../../gateway.ts'
import type { ProxyRequest } from '../request.ts'

/**
 * Erases the record of a thing that the upstream has just deleted, and the copy of a file: those of the caller, or those
 * of all owners when an admin deleted it. The record and the copies of a deleted container stay, since copies exist to
 * outlive containers. A store or archive that fails is logged, not thrown.
 */
export async function eraseDeleted(
  gateway: Gateway,
  caller: Caller,
  { request: { signal }, operation: { shows, ids } }: ProxyRequest,
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

/**
 * Deleted: what a caller deletes upstream through the gateway.
 *
 * @module
 */

import type { Caller, Gateway } from './gateway.ts'
import type { Understood } from './understand.ts'

/**
 * Removes the caller's copy of a container file that was deleted upstream. A whole container may go while its copies
 * stay: that is what they are for.
 */
export async function followDeletion(
  { archiving, log }: Gateway,
  caller: Caller,
  { request, named }: Understood,
): Promise<void> {
  const { container, file } = named.path
  if (request.method !== 'DELETE' || container.length === 0) return
  try {
    for (const fileId of file) {
      await archiving?.archive.delete(`${caller.key}/${fileId}`, { signal: request.signal })
    }
  } catch (error) {
    request.signal.throwIfAborted()
    log('warn', 'The archive does not answer, so the copy of a deleted file is still there.', {
      cause: String(error),
    })
  }
}

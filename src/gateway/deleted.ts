/**
 * Deleted: what a caller deletes upstream through the gateway.
 *
 * @module
 */

import { eraseCopy } from './erase.ts'
import type { Caller, Gateway } from './gateway.ts'
import type { Understood } from './understand.ts'

/**
 * Removes the caller's copy of a container file that was deleted upstream. A whole container may go while its copies
 * stay: that is what they are for.
 */
export async function followDeletion(
  gateway: Gateway,
  caller: Caller,
  { request, named }: Understood,
): Promise<void> {
  const { container, file } = named.path
  const isOfFile = request.method === 'DELETE' && container.length > 0
  if (!isOfFile || gateway.archiving === undefined) return
  try {
    for (const fileId of file) {
      const place = { owner: caller.key, file_id: fileId, container_id: container[0] }
      await eraseCopy(gateway, place, request.signal)
    }
  } catch (error) {
    request.signal.throwIfAborted()
    gateway.log(
      'warn',
      'The archive does not answer, so the copy of a deleted file is still there.',
      {
        cause: String(error),
      },
    )
  }
}

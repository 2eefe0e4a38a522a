/**
 * Deletes damaged copies, whose bytes do not match their checksum, and copies the files again while their container lives.
 *
 * @module
 */

import type { ArchivedFile } from '../../archives/archive.ts'
import { within } from '../../core/time.ts'
import type { Gateway } from '../gateway.ts'
import { removeCopy } from './erase.ts'
import { addPending, enqueue } from './pending.ts'

// The download that found the damage waits no longer. The work continues in the background.
const patienceMs = 2000

/**
 * Deletes a damaged copy, unless it was replaced meanwhile, and stores the file as pending. Never throws.
 *
 * @param copy the copy as it was opened
 * @param cause the checksum error
 */
export async function discardCopy(
  gateway: Gateway,
  copy: ArchivedFile,
  cause: unknown,
): Promise<void> {
  gateway.observed.metrics.add('cfile_archive_errors_total')
  gateway.log('error', 'A copy in the archive is damaged. It is deleted and copied again.', {
    file_id: copy.meta.file_id,
    cause: String(cause),
  })
  const work = replaceCopy(gateway, copy)
  gateway.runtime.waitUntil(work.catch(() => {}))
  await within(gateway.runtime.wait, patienceMs, undefined, () => work).catch((error) =>
    gateway.log('warn', 'A damaged copy could not be deleted.', { cause: String(error) }),
  )
}

async function replaceCopy(gateway: Gateway, copy: ArchivedFile): Promise<void> {
  const { archiving } = gateway
  const { owner, file_id, container_id, upstream, name: filename } = copy.meta
  const current = await archiving?.archive.get(copy.key)
  if (archiving === undefined || current?.storedAt !== copy.storedAt) return
  if (current.sha256 !== copy.sha256) return
  await removeCopy(gateway, { owner, file_id, container_id }, new AbortController().signal)
  enqueue(
    archiving,
    await addPending(gateway, { owner, file_id, container_id, upstream, filename }),
  )
  archiving.state.start()
}

/**
 * Damaged: a copy whose bytes are not those that were copied is discarded, and made anew while its container lives.
 *
 * @module
 */

import type { ArchivedFile } from '../../archives/archive.ts'
import { within } from '../../core/time.ts'
import type { Gateway } from '../gateway.ts'
import { removeCopy } from './erase.ts'
import { enqueue, noteCopy } from './pending.ts'

// The download that found it out waits no longer, but the work goes on.
const patienceMs = 2000

/** Discards a damaged copy, unless it was replaced meanwhile, and notes that another is wanted. Never throws. */
export async function discardCopy(
  gateway: Gateway,
  copy: ArchivedFile,
  cause: unknown,
): Promise<void> {
  gateway.observed.metrics.add('cfile_archive_errors_total')
  gateway.log('error', 'A copy in the archive is damaged. It is discarded and made anew.', {
    file_id: copy.meta.file_id,
    cause: String(cause),
  })
  const work = replaceCopy(gateway, copy)
  gateway.runtime.waitUntil(work.catch(() => {}))
  await within(gateway.runtime.wait, patienceMs, undefined, () => work).catch((error) =>
    gateway.log('warn', 'A damaged copy could not be discarded.', { cause: String(error) }),
  )
}

async function replaceCopy(gateway: Gateway, copy: ArchivedFile): Promise<void> {
  const { archiving } = gateway
  const { owner, file_id, container_id, upstream, name: filename } = copy.meta
  const current = await archiving?.archive.get(copy.key)
  if (archiving === undefined || current?.storedAt !== copy.storedAt) return
  if (current.sha256 !== copy.sha256) return
  await removeCopy(gateway, { owner, file_id, container_id }, new AbortController().signal)
  enqueue(archiving, await noteCopy(gateway, { owner, file_id, container_id, upstream, filename }))
  archiving.state.start()
}

/**
 * Upkeep of the archive, which runs every few seconds: resumes pending copies, and deletes leftovers and expired copies.
 *
 * @module
 */

import type { Gateway } from '../gateway.ts'
import { leaseSeconds, withLease } from '../lease.ts'
import { noteFailure } from './find.ts'
import { resumeCopies } from './queue.ts'
import { type Archiving, isExpired } from './state.ts'

// Longer than a lease, and short enough to resume the copies of a dead process within 15 s.
const upkeepEverySeconds = leaseSeconds + 3
const leftoversEverySeconds = 3600
// Seconds. A copy that was begun earlier cannot be under way any more.
const leftOverAfter = 6 * 3600

/**
 * Resumes pending copies, and removes half-written copies and expired ones. Does nothing when that has just been done.
 * Never throws.
 */
export async function keepUpArchive(gateway: Gateway): Promise<void> {
  const { archiving, log } = gateway
  const { now } = gateway.runtime
  if (archiving === undefined || now() < archiving.state.upkeepAt) return
  const { state } = archiving
  state.upkeepAt = now() + upkeepEverySeconds
  try {
    await resumeCopies(gateway)
    if (now() < state.leftoversAt) return
    const isStart = state.leftoversAt === 0
    state.leftoversAt = now() + leftoversEverySeconds
    const removeNow = (signal: AbortSignal) => removeLeftovers(gateway, archiving, signal)
    // At the start without a lease, since the lease of a dead process may still exist. Later one instance does it for all.
    if (isStart) await removeNow(state.stopping.signal)
    else await withLease(gateway, 'lease/tidy', removeNow)
  } catch (error) {
    log('warn', 'Pending copies could not be resumed; that is tried again.', {
      cause: String(error),
    })
  }
}

async function removeLeftovers(
  gateway: Gateway,
  archiving: Archiving,
  signal: AbortSignal,
): Promise<void> {
  const now = gateway.runtime.now()
  const { archive, ttl } = archiving
  try {
    await archive.sweep({ before: now - leftOverAfter, signal })
    if (ttl === 0) return
    for await (const { key, storedAt } of archive.list({ signal })) {
      if (isExpired(archiving, storedAt, now)) await archive.delete(key, { signal })
    }
  } catch (error) {
    noteFailure(gateway, 'write', error)
  }
}

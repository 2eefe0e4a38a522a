/**
 * Sweep: what has to be done now and then for the archive, whether or not anybody asks for a file.
 *
 * @module
 */

import type { Gateway } from '../gateway.ts'
import { noteFailure } from './find.ts'
import { leaseSeconds, withLease } from './lease.ts'
import { resumeCopies } from './queue.ts'
import { type Archiving, isExpired } from './state.ts'

// Longer than a lease lasts, and short enough to take up the copies of a process that died within 15 s.
const sweepEverySeconds = leaseSeconds + 3
const tidyEverySeconds = 3600
// A copy that was begun earlier than this is not under way any more.
const leftOverAfter = 6 * 3600

/**
 * Takes up copies that were interrupted, removes what dead ones left behind and what was kept for long enough. Does
 * nothing where that was done a moment ago. Never throws.
 */
export async function sweep(gateway: Gateway): Promise<void> {
  const { archiving, log } = gateway
  const { now } = gateway.runtime
  if (archiving === undefined || now() < archiving.state.sweepAt) return
  const { state } = archiving
  state.sweepAt = now() + sweepEverySeconds
  try {
    await resumeCopies(gateway)
    if (now() < state.tidyAt) return
    const isStart = state.tidyAt === 0
    state.tidyAt = now() + tidyEverySeconds
    const tidyNow = (signal: AbortSignal) => tidy(gateway, archiving, signal)
    // What a dead process left goes at once, though its lease may outlive it; later one instance does it for all.
    if (isStart) await tidyNow(state.stopping.signal)
    else await withLease(gateway, 'lease/tidy', tidyNow)
  } catch (error) {
    log('warn', 'Copies that are pending could not be taken up; that is tried again.', {
      cause: String(error),
    })
  }
}

async function tidy(gateway: Gateway, archiving: Archiving, signal: AbortSignal): Promise<void> {
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

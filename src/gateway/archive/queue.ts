/**
 * The queue of copies: makes pending copies in the background, and resumes them after a failure or a restart. Upkeep runs
 * about every 12 seconds: it refills the queue from the store, and deletes leftovers and expired copies.
 *
 * @module
 */

import { isCfileError } from '../../core/errors.ts'
import { label } from '../../core/observe/metrics.ts'
import type { Gateway } from '../gateway.ts'
import { leaseSeconds, withLease } from '../lease.ts'
import type { RecordContext } from '../owners/records.ts'
import { copyFile } from './copy.ts'
import { noteFailure } from './find.ts'
import {
  addPending,
  enqueue,
  isHandedOver,
  listPending,
  noteHandover,
  putPending,
  removePending,
  takeNext,
} from './pending.ts'
import { type Archiving, isExpired, type PendingCopy, type WantedCopy } from './state.ts'

/**
 * With `CFILE_ARCHIVE_MODE=eager`, stores a cited file as pending and starts the queue.
 *
 * @param wanted the cited file and the key of its owner
 * @throws CfileError `not_ready` when the store fails
 */
export async function copyIfEager(gateway: RecordContext, wanted: WantedCopy): Promise<void> {
  if (gateway.archiving?.mode === 'eager') await queueCopy(gateway, wanted)
}

/**
 * Stores a file as pending and starts the queue. Resolves when it is stored. On shutdown it is left to the other
 * instances.
 *
 * @param wanted the file and the key of its owner
 * @throws CfileError `not_ready` when the store fails
 */
export async function queueCopy(gateway: RecordContext, wanted: WantedCopy): Promise<void> {
  const { archiving } = gateway
  if (archiving === undefined) return
  const pending = await addPending(gateway, wanted)
  if (archiving.state.stopping.signal.aborted) return noteHandover(gateway, pending.file_id)
  enqueue(archiving, pending)
  archiving.state.start()
}

/** Puts the pending copies of the store into the queue, including those of instances that ended. */
async function resumeCopies(gateway: Gateway): Promise<void> {
  const { archiving } = gateway
  if (archiving === undefined) return
  for await (const pending of listPending(gateway)) enqueue(archiving, pending)
  startCopies(gateway, archiving)
}

/**
 * Aborts the copies under way, which stay pending, and hands them to the other instances. Resolves when their leases are
 * released.
 */
export async function stopCopies(gateway: Gateway): Promise<void> {
  const { archiving } = gateway
  if (archiving === undefined) return
  const { stopping, copies, waiting } = archiving.state
  const isPending = copies.size + waiting.size > 0
  stopping.abort(new Error('The process ends.'))
  await Promise.allSettled(copies)
  if (isPending) await noteHandover(gateway, gateway.runtime.newToken())
}

/**
 * Starts queued copies in the background, up to the limit of concurrent copies.
 *
 * @param archiving the archive of the gateway, which must exist
 */
export function startCopies(gateway: Gateway, archiving: Archiving): void {
  for (;;) {
    const next = takeNext(archiving, gateway.runtime.now())
    if (next === undefined) return
    startCopy(gateway, archiving, next, (signal) => copyFile(gateway, next, signal))
  }
}

/**
 * Starts one copy in the background.
 *
 * @param copy copies the file; its signal aborts when the process ends. Not called while another instance copies the file
 * @returns resolves when the copy has ended, successfully or not
 */
export function startCopy(
  gateway: Gateway,
  archiving: Archiving,
  pending: PendingCopy,
  copy: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { running, copies } = archiving.state
  running.set(pending.file_id, gateway.runtime.now())
  const copying = runCopy(gateway, archiving, pending, copy).finally(() => {
    running.delete(pending.file_id)
    copies.delete(copying)
    startCopies(gateway, archiving)
  })
  copies.add(copying)
  gateway.runtime.waitUntil(copying)
  return copying
}

// Seconds. Shorter than the interval of upkeep, so that an expired lease is taken over soon.
const retryLeaseAfter = 3

const copied = label({ result: 'copied' })
const failed = label({ result: 'failed' })

/** Makes a copy and stores its result. Never throws. */
async function runCopy(
  gateway: Gateway,
  { state }: Archiving,
  pending: PendingCopy,
  copy: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { stopping, running } = state
  try {
    // While another instance copies the file, it stays pending here, in case that instance fails.
    const isDone = await withLease(
      gateway,
      `lease/${pending.file_id}`,
      (signal) => copy(AbortSignal.any([signal, stopping.signal])),
      () => running.set(pending.file_id, gateway.runtime.now()),
    )
    if (!isDone) {
      state.upkeepAt = Math.min(state.upkeepAt, gateway.runtime.now() + retryLeaseAfter)
      return
    }
    gateway.observed.metrics.add('cfile_archive_copies_total', 1, copied)
    await removePending(gateway, pending)
  } catch (error) {
    if (stopping.signal.aborted) return
    gateway.observed.metrics.add('cfile_archive_copies_total', 1, failed)
    await postpone(gateway, pending, error).catch((cause) =>
      gateway.log('warn', 'The store does not answer.', { cause: String(cause) }),
    )
  }
}

/** Schedules the next attempt of a failed copy with exponential backoff (5 s to 10 min, times a random factor of 0.5 to 1.5), or gives up. */
async function postpone(gateway: Gateway, pending: PendingCopy, error: unknown): Promise<void> {
  const { file_id, tries } = pending
  const fields = { file_id, tries: tries + 1, cause: String(error) }
  if (isFinal(error, tries)) {
    gateway.observed.metrics.add('cfile_archive_errors_total')
    gateway.log(
      'error',
      'A file could not be copied, so it is lost when its container expires.',
      fields,
    )
    return removePending(gateway, pending)
  }
  gateway.log('warn', 'A copy failed; cfile will try again.', fields)
  const pause = Math.min(5 * 3 ** tries, 600) * (0.5 + gateway.runtime.random())
  const next_at = Math.ceil(gateway.runtime.now() + pause)
  await putPending(gateway, { ...pending, tries: tries + 1, next_at })
}

// A file that was just cited can be missing for a moment.
const missesAllowed = 2

/**
 * Whether another attempt cannot succeed: the container is gone, the file is too large, or it was missing three times.
 *
 * @param tries attempts before this one
 */
function isFinal(error: unknown, tries: number): boolean {
  if (!isCfileError(error)) return false
  if (error.code === 'container_expired' || error.code === 'file_too_large') return true
  return error.status === 404 && tries >= missesAllowed
}

// Longer than a lease, and short enough to resume the copies of an ended process within 15 s.
const upkeepEverySeconds = leaseSeconds + 3
const leftoversEverySeconds = 3600
// Seconds. A copy that was begun earlier cannot be under way any more.
const leftoverAfter = 6 * 3600

/**
 * Resumes pending copies, and removes half-written copies and expired ones. Does nothing when that has just been done
 * and no instance has handed over copies since. Never throws.
 */
export async function keepUpArchive(gateway: Gateway): Promise<void> {
  const { archiving, log } = gateway
  const { now } = gateway.runtime
  if (archiving === undefined) return
  const { state } = archiving
  if (now() < state.upkeepAt && !(await isHandedOver(gateway, archiving))) return
  state.upkeepAt = now() + upkeepEverySeconds
  try {
    await resumeCopies(gateway)
    if (now() < state.leftoversAt) return
    const isStart = state.leftoversAt === 0
    state.leftoversAt = now() + leftoversEverySeconds
    const removeNow = (signal: AbortSignal) => removeLeftovers(gateway, archiving, signal)
    // At the start without a lease, because the lease of an ended process may still exist. Later one instance does it for all.
    if (isStart) await removeNow(state.stopping.signal)
    else await withLease(gateway, 'lease/tidy', removeNow)
  } catch (error) {
    log('warn', 'Pending copies could not be resumed; cfile will try again.', {
      cause: String(error),
    })
  }
}

/** Deletes half-written copies that are older than any copy under way, and copies whose lifetime is over. */
async function removeLeftovers(
  gateway: Gateway,
  archiving: Archiving,
  signal: AbortSignal,
): Promise<void> {
  const now = gateway.runtime.now()
  const { archive, ttl } = archiving
  try {
    await archive.removeLeftovers({ before: now - leftoverAfter, signal })
    if (ttl === 0) return
    for await (const { key, storedAt } of archive.list({ signal })) {
      if (isExpired(archiving, storedAt, now)) await archive.delete(key, { signal })
    }
  } catch (error) {
    noteFailure(gateway, 'write', error)
  }
}

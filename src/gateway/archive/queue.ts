/**
 * Copying: the copies that are pending, made one after another in the background, and taken up again after whatever
 * stopped them.
 *
 * @module
 */

import { isCfileError } from '../../core/errors.ts'
import { label } from '../../core/metrics.ts'
import type { Gateway } from '../gateway.ts'
import type { Remembering } from '../owners/records.ts'
import { copyFile } from './copy.ts'
import { withLease } from './lease.ts'
import { enqueue, listPending, noteCopy, putPending, removePending, takeNext } from './pending.ts'
import type { Archiving, PendingCopy, WantedCopy } from './state.ts'

/** Has a cited file copied, where that is done at once; resolves when it is stored that it must be. */
export async function noteForCopy(gateway: Remembering, wanted: WantedCopy): Promise<void> {
  if (gateway.archiving?.mode === 'eager') await copySoon(gateway, wanted)
}

/** Has a file copied; resolves when it is stored that it must be. */
export async function copySoon(gateway: Remembering, wanted: WantedCopy): Promise<void> {
  const { archiving } = gateway
  if (archiving === undefined) return
  enqueue(archiving, await noteCopy(gateway, wanted))
  archiving.state.start()
}

/** Takes up what is pending in the store: of this instance, and of others that died. */
export async function resumeCopies(gateway: Gateway): Promise<void> {
  const { archiving } = gateway
  if (archiving === undefined) return
  for await (const pending of listPending(gateway)) enqueue(archiving, pending)
  startCopies(gateway, archiving)
}

/** Leaves the copies under way to the next process; resolves when their leases are free. */
export async function stopCopies({ archiving }: Gateway): Promise<void> {
  archiving?.state.stopping.abort(new Error('The process ends.'))
  await Promise.allSettled(archiving?.state.flights ?? [])
}

/** Starts as many of the copies that wait as may be made at a time; nobody waits for them. */
export function startCopies(gateway: Gateway, archiving: Archiving): void {
  for (;;) {
    const next = takeNext(archiving, gateway.runtime.now())
    if (next === undefined) return
    startCopy(gateway, archiving, next, (signal) => copyFile(gateway, next, signal))
  }
}

/** Starts a copy, which nobody waits for. */
export function startCopy(
  gateway: Gateway,
  archiving: Archiving,
  pending: PendingCopy,
  copy: (signal: AbortSignal) => Promise<void>,
  onEnd: () => unknown = () => {},
): void {
  const { running, flights } = archiving.state
  running.set(pending.file_id, gateway.runtime.now())
  const flight = settle(gateway, archiving, pending, copy).finally(() => {
    onEnd()
    running.delete(pending.file_id)
    flights.delete(flight)
    startCopies(gateway, archiving)
  })
  flights.add(flight)
  gateway.runtime.waitUntil(flight)
}

// Seconds: a lease that has run out is not to be left for a whole round of sweeps.
const lookAgainAfter = 3

const copied = label({ result: 'copied' })
const failed = label({ result: 'failed' })

/** Makes a copy, and writes down what became of it. Never throws. */
async function settle(
  gateway: Gateway,
  { state }: Archiving,
  pending: PendingCopy,
  copy: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { stopping, running } = state
  try {
    // Where another instance copies it, it stays pending until that one is done or has died.
    const isDone = await withLease(
      gateway,
      `lease/${pending.file_id}`,
      (signal) => copy(AbortSignal.any([signal, stopping.signal])),
      () => running.set(pending.file_id, gateway.runtime.now()),
    )
    if (!isDone) {
      state.sweepAt = Math.min(state.sweepAt, gateway.runtime.now() + lookAgainAfter)
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

async function postpone(gateway: Gateway, pending: PendingCopy, error: unknown): Promise<void> {
  const { file_id, tries } = pending
  const fields = { file_id, tries: tries + 1, cause: String(error) }
  if (isFinal(error, tries)) {
    gateway.observed.metrics.add('cfile_archive_errors_total')
    gateway.log('error', 'A file could not be copied, and ends with its container.', fields)
    return removePending(gateway, pending)
  }
  gateway.log('warn', 'A copy failed and is tried again.', fields)
  const pause = Math.min(5 * 3 ** tries, 600) * (0.5 + gateway.runtime.random())
  const next_at = Math.ceil(gateway.runtime.now() + pause)
  await putPending(gateway, { ...pending, tries: tries + 1, next_at })
}

// A file that was cited a moment ago may not be there everywhere yet.
const missesAllowed = 2

function isFinal(error: unknown, tries: number): boolean {
  if (!isCfileError(error)) return false
  if (error.code === 'container_expired' || error.code === 'file_too_large') return true
  return error.status === 404 && tries >= missesAllowed
}

/**
 * Pending copies: files that still have to be copied. They are kept in the store, so that they survive the process.
 *
 * A pending copy is written before the citation reaches the client, and removed when the copy is complete or has failed
 * for good. Each instance has a bounded queue in memory and refills it from the store (see `queue`).
 *
 * @module
 */

import * as z from 'zod/mini'
import { idCreatedAt } from '../../core/ids.ts'
import { once } from '../../core/once.ts'
import type { Gateway } from '../gateway.ts'
import { listEntries, type RecordContext, toJson } from '../owners/records.ts'
import type { Archiving, PendingCopy, WantedCopy } from './state.ts'

const prefix = 'copy/'
// Seconds. Longer than the lifetime of any container.
const lifetime = 24 * 3600
// Largest number of pending copies in memory. All others are only in the store.
const mostWaiting = 2000

const pendingSchema: () => z.ZodMiniType<PendingCopy> = once(() =>
  z.object({
    owner: z.string(),
    file_id: z.string(),
    container_id: z.optional(z.string()),
    upstream: z.optional(z.string()),
    filename: z.optional(z.string()),
    noted_at: z.number(),
    tries: z.number(),
    next_at: z.number(),
  }),
)

/** A key begins with the unix second of the container's creation, so that containers that expire first are listed first. */
function keyOf({ container_id = '', file_id, owner, noted_at }: PendingCopy): string {
  const createdAt = idCreatedAt(container_id) ?? noted_at
  return `${prefix}${String(createdAt).padStart(10, '0')}/${file_id}/${owner}`
}

/**
 * Stores a file as pending.
 *
 * @param wanted the file and the key of its owner
 * @returns the entry as it was stored, due at once
 * @throws CfileError `not_ready` when the store fails
 */
export async function addPending(gateway: RecordContext, wanted: WantedCopy): Promise<PendingCopy> {
  const noted_at = gateway.runtime.now()
  const pending = { ...wanted, noted_at, tries: 0, next_at: noted_at }
  await putPending(gateway, pending)
  return pending
}

/**
 * Stores a pending copy after its schedule has changed.
 *
 * @param pending the changed entry; it replaces the stored one, since the key does not depend on the schedule
 */
export async function putPending(gateway: RecordContext, pending: PendingCopy): Promise<void> {
  await gateway.store.put(keyOf(pending), toJson(pending), { ttl: lifetime })
}

/**
 * Removes a pending copy that is done or has failed for good.
 *
 * @throws CfileError `not_ready` when the store fails; the copy is then found complete at the next attempt
 */
export async function removePending(gateway: Gateway, pending: PendingCopy): Promise<void> {
  await gateway.store.delete(keyOf(pending))
}

/** Lists the pending copies; containers that expire first come first. */
export async function* listPending(gateway: Gateway): AsyncGenerator<PendingCopy> {
  for await (const { value } of listEntries(gateway, prefix)) {
    const { data } = z.safeParse(pendingSchema(), value)
    if (data !== undefined) yield data
  }
}

/**
 * Adds a pending copy to the queue of this instance, unless the queue is full.
 *
 * @param pending an entry of the store; a full queue leaves it there for the next upkeep
 */
export function enqueue({ state }: Archiving, pending: PendingCopy): void {
  if (state.waiting.size < mostWaiting) state.waiting.set(keyOf(pending), pending)
}

// Seconds since the last renewal of the lease. A Worker can be stopped in the middle of a copy without any event.
const abandonedAfter = 120

/**
 * Takes the pending copy whose container expires first. `undefined` when none is due or the limit of concurrent copies
 * is reached.
 *
 * @param now unix seconds
 */
export function takeNext(
  { state: { waiting, running, stopping }, concurrency }: Archiving,
  now: number,
): PendingCopy | undefined {
  for (const [id, renewedAt] of running) if (renewedAt + abandonedAfter < now) running.delete(id)
  if (stopping.signal.aborted || running.size >= concurrency) return undefined
  let first: string | undefined
  for (const [key, { next_at, file_id }] of waiting) {
    const isDue = next_at <= now && !running.has(file_id)
    if (isDue && (first === undefined || key < first)) first = key
  }
  const next = first === undefined ? undefined : waiting.get(first)
  if (first !== undefined) waiting.delete(first)
  return next
}

const handoverKey = 'handover'
// Seconds. Longer than the interval at which instances look for the note.
const handoverLifetime = 60

/**
 * Writes a note by which the other instances take over pending copies now instead of at their next upkeep. Never throws,
 * because their upkeep finds the copies too.
 *
 * @param note differs from the notes before
 */
export async function noteHandover(
  { store }: Pick<RecordContext, 'store'>,
  note: string,
): Promise<void> {
  await store.put(handoverKey, note, { ttl: handoverLifetime }).catch(() => false)
}

/**
 * Whether an instance has handed over its pending copies since the last call. Never throws.
 *
 * @returns true once for each note
 */
export async function isHandedOver(
  { store }: Pick<RecordContext, 'store'>,
  { state }: Archiving,
): Promise<boolean> {
  const note = await store.get(handoverKey).catch(() => undefined)
  if (note === undefined || note === state.handover) return false
  state.handover = note
  return true
}

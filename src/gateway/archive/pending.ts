/**
 * Copies: which files still have to be copied, in the store, so that nothing is lost with a process.
 *
 * @module
 */

import { idCreatedAt } from '../../core/ids.ts'
import type { Json } from '../../stores/store.ts'
import type { Gateway } from '../gateway.ts'
import type { Remembering } from '../owners/records.ts'
import type { Archiving, PendingCopy, WantedCopy } from './state.ts'

const prefix = 'copy/'
// Longer than any container lives.
const lifetime = 24 * 3600
// More than this waits in the store alone.
const mostWaiting = 2000

/** Keys begin with the second in which the container was made, so that a list has first what ends first. */
function keyOf({ container_id = '', file_id, owner, noted_at }: PendingCopy): string {
  const made = idCreatedAt(container_id) ?? noted_at
  return `${prefix}${String(made).padStart(10, '0')}/${file_id}/${owner}`
}

/** Notes that a file has to be copied; resolves when that is stored. */
export async function noteCopy(gateway: Remembering, wanted: WantedCopy): Promise<PendingCopy> {
  const noted_at = gateway.runtime.now()
  const pending = { ...wanted, noted_at, tries: 0, next_at: noted_at }
  await putPending(gateway, pending)
  return pending
}

/** Writes anew when and how often a copy is tried. */
export async function putPending(gateway: Remembering, pending: PendingCopy): Promise<void> {
  const value: Json = JSON.parse(JSON.stringify(pending))
  await gateway.store.put(keyOf(pending), value, { ttl: lifetime })
}

/** Forgets a copy that was made, or can't be. */
export async function removePending(gateway: Gateway, pending: PendingCopy): Promise<void> {
  await gateway.store.delete(keyOf(pending))
}

/** The copies that are pending, nearest to their end first. */
export async function* listPending(gateway: Gateway): AsyncGenerator<PendingCopy> {
  for (let after = prefix; ; ) {
    const page = await gateway.store.list(prefix, { after, limit: 1000 })
    for (const { value } of page) yield value as unknown as PendingCopy
    after = page.at(-1)?.key ?? ''
    if (page.length < 1000) return
  }
}

/** Puts a copy into the queue of this instance. */
export function enqueue({ state }: Archiving, pending: PendingCopy): void {
  if (state.waiting.size < mostWaiting) state.waiting.set(keyOf(pending), pending)
}

// A Worker may be stopped in the middle of a copy, and then nobody says that it ended.
const deadAfter = 120

/** Takes the copy that is nearest to its end, unless as many are under way as may be. */
export function takeNext(
  { state: { waiting, running, stopping }, concurrency }: Archiving,
  now: number,
): PendingCopy | undefined {
  for (const [id, seen] of running) if (seen + deadAfter < now) running.delete(id)
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

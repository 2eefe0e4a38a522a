/**
 * Uncited: what an answer's code wrote and the answer is silent about is recorded after it.
 *
 * @module
 */

import { getMentions } from '../../core/api/citations.ts'
import { startDeadline } from '../../core/time.ts'
import { forgetListing, listFiles, recordFiles } from '../containers/listing.ts'
import type { Gateway } from '../gateway.ts'
import { listOwners } from '../owners/records.ts'
import type { Source } from './capture.ts'

const timeoutMs = 120_000

/** Records, behind the answer's back, what a response left in its containers; what does not yet, or never, end is no matter. */
export function sweepAfter(gateway: Gateway, source: Source, response: unknown): void {
  const since = finishedSince(response)
  if (!gateway.containers.sweep || since === undefined) return
  const { log } = gateway
  const { wait } = gateway.runtime
  const deadline = startDeadline(wait, timeoutMs)
  const { containers } = getMentions(response)
  const work = containers.map((id) =>
    sweepContainer(gateway, source, { id, since }, deadline.signal),
  )
  const swept = Promise.allSettled(work).then((results) => {
    deadline.clear()
    for (const result of results) {
      if (result.status === 'fulfilled') continue
      log('warn', 'A container could not be swept.', { cause: String(result.reason) })
    }
  })
  gateway.runtime.waitUntil(swept)
}

async function sweepContainer(
  gateway: Gateway,
  { caller, upstream }: Source,
  { id, since }: { readonly id: string; readonly since: number },
  signal: AbortSignal,
): Promise<void> {
  const owners = await listOwners(gateway, 'container', id, 2)
  // In a container that others use as well, nobody knows whose a file is.
  if (owners.length !== 1 || owners[0] !== caller.key) return
  forgetListing(gateway, id)
  const listing = await listFiles(gateway, caller, {
    containerId: id,
    upstream,
    isGranted: true,
    signal,
  })
  const files = listing.files.filter(
    ({ source, created_at }) => source === 'assistant' && created_at >= since,
  )
  await recordFiles(gateway, { containerId: id, isGranted: false }, { ...listing, files })
}

/** When a response was begun that has ended since, in unix seconds; `undefined` for anything else. */
function finishedSince(response: unknown): number | undefined {
  if (typeof response !== 'object' || response === null) return undefined
  const { object, status, created_at } = response as Record<string, unknown>
  const hasEnded = /^(?:completed|incomplete|failed)$/.test(String(status))
  return object === 'response' && hasEnded && typeof created_at === 'number'
    ? created_at
    : undefined
}

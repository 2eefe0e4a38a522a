/**
 * Uncited files: records files that the code of an answer wrote but that the answer does not cite (`CFILE_SWEEP`).
 *
 * @module
 */

import * as z from 'zod/mini'
import { getMentions } from '../../core/api/citations/citations.ts'
import { once } from '../../core/once.ts'
import { startDeadline } from '../../core/time.ts'
import { dropListing, listFiles, recordFiles } from '../containers/listing.ts'
import type { Gateway } from '../gateway.ts'
import { listOwners } from '../owners/records.ts'
import type { Origin } from './capture.ts'

const timeoutMs = 120_000

/**
 * Records the uncited files in the containers of a response, in the background. Does nothing for a response that has not
 * ended.
 *
 * @param response the parsed response
 */
export function recordUncited(gateway: Gateway, origin: Origin, response: unknown): void {
  const since = endedResponse(response)
  if (!gateway.containers.recordsUncited || since === undefined) return
  const { log } = gateway
  const { wait } = gateway.runtime
  const deadline = startDeadline(wait, timeoutMs)
  const { containers } = getMentions(response)
  const work = containers.map((id) =>
    recordUncitedIn(gateway, origin, { id, since }, deadline.signal),
  )
  const done = Promise.allSettled(work).then((results) => {
    deadline.clear()
    for (const result of results) {
      if (result.status === 'fulfilled') continue
      log('warn', 'The uncited files of a container could not be recorded.', {
        cause: String(result.reason),
      })
    }
  })
  gateway.runtime.waitUntil(done)
}

/** Records the files that code wrote into a container since a response began. */
async function recordUncitedIn(
  gateway: Gateway,
  { caller, upstream }: Origin,
  { id, since }: { readonly id: string; readonly since: number },
  signal: AbortSignal,
): Promise<void> {
  const owners = await listOwners(gateway, 'container', id, 2)
  // The owner of a file in a shared container is unknown.
  if (owners.length !== 1 || owners[0] !== caller.key) return
  dropListing(gateway, id)
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

const endedSchema = once(() =>
  z.object({
    object: z.literal('response'),
    status: z.enum(['completed', 'incomplete', 'failed']),
    created_at: z.number(),
  }),
)

/** Returns `created_at` (unix second) of a response that has ended; `undefined` for anything else. */
function endedResponse(response: unknown): number | undefined {
  return z.safeParse(endedSchema(), response).data?.created_at
}

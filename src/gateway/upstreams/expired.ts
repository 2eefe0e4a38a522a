/**
 * Distinguishes an expired container from one that never existed, after a 404 for a container file.
 *
 * @module
 */

import { CfileError, isCfileError } from '../../core/errors.ts'
import { idCreatedAt } from '../../core/ids.ts'
import type { Gateway } from '../gateway.ts'
import { askInTurn } from './ask.ts'
import type { FileLocation } from './location.ts'

/** Seconds after which Azure deletes a container, even one in use. */
export const longestLife = 3600

/**
 * Turns a 404 into `container_expired` if the container existed: Azure says that it expired, it was recorded, or its id
 * is too old. Returns any other error as it is.
 *
 * @param error error of the upstream
 */
export async function explainMissing(
  gateway: Gateway,
  location: FileLocation,
  error: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  const { containerId } = location
  if (!isCfileError(error) || containerId === undefined) return error
  if (error.code === 'container_expired') return containerExpired(containerId, error)
  if (error.status !== 404) return error
  const state = await containerState(location, containerId, signal)
  if (state === 'alive') return error
  const made = idCreatedAt(containerId)
  const old = made !== undefined && gateway.runtime.now() - made > longestLife
  if (state === 'expired' || location.recorded || old) return containerExpired(containerId, error)
  return error
}

/** Asks the state of a container. An unclear answer counts as `alive`, because after a 410 clients never ask again. */
async function containerState(
  { upstreams }: FileLocation,
  containerId: string,
  signal: AbortSignal,
): Promise<'alive' | 'expired' | 'unknown'> {
  try {
    const { found } = await askInTurn(upstreams, (client) =>
      client.getContainer(containerId, { signal }),
    )
    return found.status === 'expired' ? 'expired' : 'alive'
  } catch (error) {
    if (!isCfileError(error)) throw error
    if (error.code === 'container_expired') return 'expired'
    return error.status === 404 ? 'unknown' : 'alive'
  }
}

function containerExpired(containerId: string, cause: CfileError): CfileError {
  const made = idCreatedAt(containerId)
  const when =
    made === undefined
      ? ''
      : ` It was made ${formatTime(made)} and lived until ${formatTime(made + longestLife)} at the latest.`
  return new CfileError(
    'container_expired',
    `The container ${containerId} is gone, and its files with it: Azure keeps a container for 20 to 30 idle minutes and one hour at most.${when}`,
    {
      hint: 'Files that must last longer have to be copied while they live: set CFILE_ARCHIVE.',
      upstream: cause.details.upstream,
      cause,
    },
  )
}

function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}

/**
 * The expiry of a container: when it expires, and whether a 404 for one of its files means that it has expired.
 *
 * Azure deletes a container after 20 to 30 idle minutes, and one hour after its creation at the latest, even in use.
 *
 * @module
 */

import type { Container } from '../../azure/operations.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import { idCreatedAt } from '../../core/ids.ts'
import { startDeadline } from '../../core/time.ts'
import type { Gateway, Upstream } from '../gateway.ts'
import { askInTurn, type FileLocation } from './location.ts'

/** When a container expires. */
export interface Expiry {
  /** Unix second at which the container expires at the latest if it is not used again. */
  readonly expiresAt: number
  /** Whether use of the container delays its expiry. */
  readonly isProlongedByUse: boolean
}

// Short, because a list is useful without it.
const timeoutMs = 2000

/** The container whose expiry is looked up. */
interface ListedContainer {
  readonly containerId: string
  readonly upstream: Upstream
  /** Whether the upstream has said that it expired. */
  readonly isExpired: boolean
}

/**
 * Finds out when a container expires: from the time in its id, and from its idle time at the upstream. For a container
 * that has expired, the time is now at the latest.
 *
 * @param isExpired whether the upstream has said that the container expired
 * @returns `undefined` when neither is known
 */
export async function findExpiry(
  gateway: Gateway,
  { containerId, upstream, isExpired }: ListedContainer,
  signal: AbortSignal,
): Promise<Expiry | undefined> {
  const { now, wait } = gateway.runtime
  const deadline = startDeadline(wait, timeoutMs, signal)
  const container = isExpired
    ? undefined
    : await upstream.client
        .getContainer(containerId, { signal: deadline.signal })
        .catch(() => undefined)
  deadline.clear()
  signal.throwIfAborted()
  const createdAt = idCreatedAt(containerId) ?? container?.created_at
  const hour = createdAt === undefined ? [] : [createdAt + longestLifetime]
  const idle = idleEnd(container)
  const isOver = isExpired || container?.status === 'expired'
  const ends = [...hour, ...idle, ...(isOver ? [now()] : [])]
  if (hour.length + idle.length === 0) return undefined
  const expiresAt = Math.min(...ends)
  return { expiresAt, isProlongedByUse: !isOver && hour.every((end) => end > expiresAt) }
}

/** The end of the idle time of a container, if the upstream says how long it may be idle. */
function idleEnd(container: Container | undefined): readonly number[] {
  const { last_active_at, expires_after } = container ?? {}
  if (last_active_at === undefined || expires_after === undefined) return []
  return [last_active_at + Math.floor(expires_after.minutes * 60)]
}

/** Seconds after which Azure deletes a container, even one in use. */
const longestLifetime = 3600

/**
 * Turns a 404 into `container_expired` if the container existed: Azure says that it expired, it was recorded, or its id
 * is too old. Returns any other error as it is.
 *
 * @param location the file that was asked for
 * @param error error of the upstream
 * @returns the error to throw
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
  if (state === 'running') return error
  const createdAt = idCreatedAt(containerId)
  const isOld = createdAt !== undefined && gateway.runtime.now() - createdAt > longestLifetime
  if (state === 'expired' || location.isRecorded || isOld)
    return containerExpired(containerId, error)
  return error
}

/** Requests the state of a container. An unclear answer counts as `running`, because clients do not retry after a 410. */
async function containerState(
  { upstreams }: FileLocation,
  containerId: string,
  signal: AbortSignal,
): Promise<'running' | 'expired' | 'unknown'> {
  try {
    const { found } = await askInTurn(upstreams, (client) =>
      client.getContainer(containerId, { signal }),
    )
    return found.status === 'expired' ? 'expired' : 'running'
  } catch (error) {
    if (!isCfileError(error)) throw error
    if (error.code === 'container_expired') return 'expired'
    return error.status === 404 ? 'unknown' : 'running'
  }
}

/**
 * The error for a container that has expired. It says when the container existed, if its id contains the time.
 *
 * @param cause the error of the upstream
 */
function containerExpired(containerId: string, cause: CfileError): CfileError {
  const createdAt = idCreatedAt(containerId)
  const when =
    createdAt === undefined
      ? ''
      : ` It was made ${formatTime(createdAt)} and lived until ${formatTime(createdAt + longestLifetime)} at the latest.`
  return new CfileError(
    'container_expired',
    `The container ${containerId} is gone, and its files with it: Azure keeps a container for 20 to 30 idle minutes and one hour at most.${when}`,
    {
      hint: 'To keep files for longer, copy them before their container expires: set CFILE_ARCHIVE.',
      upstream: cause.details.upstream,
      cause,
    },
  )
}

/**
 * A time as ISO 8601 in UTC.
 *
 * @param seconds unix seconds
 */
function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}

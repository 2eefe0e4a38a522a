/**
 * The end of a container's life: at most one hour after its creation, and earlier if it is idle.
 *
 * @module
 */

import type { Container } from '../../azure/operations.ts'
import { idCreatedAt } from '../../core/ids.ts'
import { startDeadline } from '../../core/time.ts'
import type { Gateway, Upstream } from '../gateway.ts'
import { longestLife } from './expired.ts'

/** The end of a container. */
export interface Life {
  /** Unix second at which the container is gone at the latest, if nobody uses it any more. */
  readonly expiresAt: number
  /** Whether using the container prolongs its life. */
  readonly isProlonged: boolean
}

// Short, since the list does not need it.
const timeoutMs = 2000

/** The container whose end is looked up. */
export interface LivingContainer {
  readonly containerId: string
  readonly upstream: Upstream
  /** Whether the upstream has said that it expired. */
  readonly isGone: boolean
}

/**
 * Finds out when a container ends: from the time in its id, and from its idle time at the upstream. A container that
 * has expired ended now at the latest.
 *
 * @returns `undefined` when neither is known
 */
export async function findLife(
  gateway: Gateway,
  { containerId, upstream, isGone }: LivingContainer,
  signal: AbortSignal,
): Promise<Life | undefined> {
  const { now, wait } = gateway.runtime
  const deadline = startDeadline(wait, timeoutMs, signal)
  const container = isGone
    ? undefined
    : await upstream.client
        .getContainer(containerId, { signal: deadline.signal })
        .catch(() => undefined)
  deadline.clear()
  signal.throwIfAborted()
  const made = idCreatedAt(containerId) ?? container?.created_at
  const hour = made === undefined ? [] : [made + longestLife]
  const idle = idleEnd(container)
  const isOver = isGone || container?.status === 'expired'
  const ends = [...hour, ...idle, ...(isOver ? [now()] : [])]
  if (hour.length + idle.length === 0) return undefined
  const expiresAt = Math.min(...ends)
  return { expiresAt, isProlonged: !isOver && hour.every((end) => end > expiresAt) }
}

/** The end of the idle time of a container, if the upstream says how long it may be idle. */
function idleEnd(container: Container | undefined): readonly number[] {
  const { last_active_at, expires_after } = container ?? {}
  if (last_active_at === undefined || expires_after === undefined) return []
  return [last_active_at + Math.floor(expires_after.minutes * 60)]
}

/**
 * Leases: one of all the instances that share a store does a thing, and another takes over if that one dies.
 *
 * @module
 */

import type { Gateway } from '../gateway.ts'

/** How long the lease of a process that died lasts, in seconds. */
export const leaseSeconds = 9
const renewEveryMs = 3000

/**
 * Does a task while nobody else does; the lease is renewed as long as the task runs.
 *
 * @param onRenewal is told each time that the task still runs
 * @returns whether it was done, and not somebody else's turn
 */
export async function withLease(
  gateway: Gateway,
  key: string,
  task: (signal: AbortSignal) => Promise<void>,
  onRenewal: () => void = () => {},
): Promise<boolean> {
  const { store } = gateway
  const { random, now } = gateway.runtime
  const holder = `${now()}-${random()}`
  if (!(await store.put(key, holder, { ifAbsent: true, ttl: leaseSeconds }))) return false
  const ended = new AbortController()
  keepRenewing(gateway, key, holder, ended.signal, onRenewal).catch(() => {})
  try {
    await task(ended.signal)
    return true
  } finally {
    ended.abort()
    // Somebody else's by now, if this instance was stopped for long.
    const current = await store.get(key).catch(() => undefined)
    if (current === holder) await store.delete(key).catch(() => {})
  }
}

async function keepRenewing(
  { store, runtime: { wait } }: Gateway,
  key: string,
  holder: string,
  ended: AbortSignal,
  onRenewal: () => void,
): Promise<void> {
  for (;;) {
    await wait(renewEveryMs, ended)
    onRenewal()
    // A store that is down for a moment must not end the copy.
    const current = await store.get(key).catch(() => holder)
    if (current !== undefined && current !== holder) return
    if (!ended.aborted) await store.put(key, holder, { ttl: leaseSeconds }).catch(() => false)
  }
}

/**
 * Leases: of the instances that share a store, only one runs a task. Another takes over if that instance fails.
 *
 * A lease is a key that is written only if absent and expires unless it is renewed every three seconds. Stores have no
 * compare-and-swap, so a suspended process can overlap with its successor. Tasks must tolerate that.
 *
 * @module
 */

import type { Gateway } from './gateway.ts'

/** Lifetime in seconds of a lease that is not renewed. */
export const leaseSeconds = 9
const renewEveryMs = 3000

/**
 * Runs a task under a lease, which is renewed while the task runs.
 *
 * @param key key of the lease in the store
 * @param onRenewal called at each renewal
 * @returns false when another instance holds the lease
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
    // Another instance may hold the lease by now, if this process was suspended.
    const current = await store.get(key).catch(() => undefined)
    if (current === holder) await store.delete(key).catch(() => {})
  }
}

/**
 * Renews a lease every three seconds, until its task has ended or another instance holds it.
 *
 * @param holder value that this instance wrote into the key
 * @param ended aborts when the task has ended
 */
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
    // A store that fails for a moment must not abort the task.
    const current = await store.get(key).catch(() => holder)
    if (current !== undefined && current !== holder) return
    if (!ended.aborted) await store.put(key, holder, { ttl: leaseSeconds }).catch(() => false)
  }
}

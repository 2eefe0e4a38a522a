/**
 * A meter: a leaky bucket for each name. It stores the used amount and the second of its last change, and computes the
 * refill when it is read.
 *
 * @module
 */

/** An allowance for each name. It refills evenly up to `limit`. */
export interface Meter {
  /** Takes an amount from the allowance of a name. It may take more than is left; the debt has to refill first. */
  take(name: string, amount: number): void
  /** Whole seconds until at least one is left; 0 when it is. */
  wait(name: string): number
}

/** Most names kept in memory. The least recently used is dropped first. */
const mostNames = 10_000

/**
 * Creates a meter.
 *
 * @param limit allowance for each period
 * @param period seconds
 * @param now unix seconds
 */
export function createMeter(limit: number, period: number, now: () => number): Meter {
  const used = new Map<string, { readonly amount: number; readonly at: number }>()

  function usedBy(name: string): number {
    const { amount, at } = used.get(name) ?? { amount: 0, at: 0 }
    return Math.max(0, amount - ((now() - at) * limit) / period)
  }

  return {
    take(name, amount) {
      const sum = usedBy(name) + amount
      used.delete(name)
      used.set(name, { amount: sum, at: now() })
      for (const oldest of used.keys()) {
        if (used.size <= mostNames) break
        used.delete(oldest)
      }
    },
    wait: (name) => Math.max(0, Math.ceil(((usedBy(name) - (limit - 1)) * period) / limit)),
  }
}

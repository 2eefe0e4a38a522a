/**
 * Meters: how much of an allowance is used up, and when there is some of it again.
 *
 * @module
 */

/** An allowance for each name, which fills up evenly and is never more than `limit`. */
export interface Meter {
  /** Takes so much from the allowance of a name, also more than there is: what is owed has to fill up first. */
  take(name: string, amount: number): void
  /** Whole seconds until there is one again; 0 where there is. */
  wait(name: string): number
}

/** Names that are remembered; the one that was least recently used is forgotten first. */
const mostNames = 10_000

/**
 * Makes a meter.
 *
 * @param limit how much there is in a period
 * @param period in seconds
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

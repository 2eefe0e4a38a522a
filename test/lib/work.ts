/**
 * Background work that a test can wait for.
 *
 * @module
 */

/** The work of a gateway that no answer waits for. */
export interface Work {
  /** The option `waitUntil` of the app. */
  readonly waitUntil: (work: Promise<unknown>) => void
  /** Resolves when no work is under way, including work that other work has started. */
  readonly settle: () => Promise<void>
}

/** Follows the work of one or several gateways. A failure does not reach the test. */
export function followWork(): Work {
  const underWay = new Set<Promise<unknown>>()
  return {
    waitUntil(work) {
      const entry = work.catch(() => {}).finally(() => underWay.delete(entry))
      underWay.add(entry)
    },
    async settle() {
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}

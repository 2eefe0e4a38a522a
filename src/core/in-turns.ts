/**
 * Long work in short turns, so that the event loop serves others in between.
 *
 * @module
 */

import type { Wait, WaitSignal } from './time.ts'

/**
 * Runs work that yields from time to time; whatever else waits has its turn then.
 *
 * @throws the signal's reason, and what the work throws
 */
export async function inTurns<T>(
  wait: Wait,
  work: Generator<undefined, T>,
  signal?: WaitSignal,
): Promise<T> {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
    await wait(0, signal)
  }
}

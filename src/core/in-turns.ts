/**
 * Work in parts: one after the other so that the event loop serves others in between, or several at a time.
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

/**
 * Does the work for each item, at most so many at a time. When one fails, no other is begun.
 *
 * @throws what the first to fail threw, once those that were begun have ended
 */
export async function severalAtATime<T>(
  items: Iterable<T>,
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items].reverse()
  const workOn = async (): Promise<void> => {
    try {
      for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) await work(item)
    } catch (error) {
      waiting.length = 0
      throw error
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: most }, workOn))
  for (const result of ended) if (result.status === 'rejected') throw result.reason
}

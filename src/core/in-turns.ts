/**
 * Runs long work in steps or several tasks at a time, without blocking the event loop.
 *
 * @module
 */

import type { Wait, WaitSignal } from './time.ts'

/**
 * Runs work that yields at intervals, and lets other work run in between.
 *
 * @throws the signal's reason, and errors of the work
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
 * Runs work for each item, at most `most` at a time. After a failure no further item is begun.
 *
 * @throws the first error, after all begun work has ended
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

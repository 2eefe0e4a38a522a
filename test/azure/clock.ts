/** A virtual clock: when all code waits, it jumps to the next timer. */

import type { Wait } from '../../src/core/time.ts'

export interface Clock {
  /** Unix seconds. */
  now(): number
  readonly wait: Wait
  /** Milliseconds since the start. */
  elapsed(): number
  /** Advances by seconds, past every timer up to there. */
  advance(seconds: number): Promise<void>
  /** Runs timers until the work is done. */
  settle<T>(work: Promise<T>): Promise<T>
}

interface Timer {
  readonly at: number
  readonly ring: () => void
}

export function createClock(start = 1_790_000_000): Clock {
  let ms = 0
  const timers = new Set<Timer>()
  const ringNext = (until: number): boolean => {
    const next = [...timers].sort((a, b) => a.at - b.at)[0]
    if (next === undefined || next.at > until) return false
    ms = Math.max(ms, next.at)
    timers.delete(next)
    next.ring()
    return true
  }
  return {
    now: () => start + Math.floor(ms / 1000),
    elapsed: () => ms,
    wait: (duration, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const timer = { at: ms + duration, ring: resolve }
        timers.add(timer)
        const stop = () => {
          timers.delete(timer)
          reject(signal?.reason)
        }
        signal?.addEventListener('abort', stop, { once: true })
      }),
    async advance(seconds) {
      const end = ms + seconds * 1000
      while (ringNext(end)) await idle()
      ms = end
      await idle()
    },
    async settle(work) {
      let isDone = false
      const done = () => {
        isDone = true
      }
      work.then(done, done)
      for (let turn = 0; turn < 10_000; turn += 1) {
        await idle()
        if (isDone) return work
        ringNext(Number.POSITIVE_INFINITY)
      }
      throw new Error('It never ends.')
    },
  }
}

/** Waits until all code that needs no timer has run. */
function idle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0))
}

/**
 * A limit on silence.
 *
 * @module
 */

import { createStop, type Stop, type Wait, type WaitSignal } from '../time.ts'

/** Watches reads, one at a time. */
export interface IdleWatch {
  /** Fails where the read brings nothing for too long; time between reads does not count. */
  watch<T>(read: Promise<T>): Promise<T>
  /** Leaves no timer behind. */
  stop(): void
}

const ticksPerLimit = 4

/**
 * Makes a watch. One timer runs on through many reads, so that a read costs none of its own; it ends when a tick finds
 * no read under way.
 */
export function watchIdle(wait: Wait, idleMs: number): IdleWatch {
  let ticks = 0
  let fail: ((error: unknown) => void) | undefined
  let clock: Stop | undefined

  async function run(signal: WaitSignal): Promise<void> {
    while (fail !== undefined) {
      await wait(idleMs / ticksPerLimit, signal)
      ticks += 1
      if (ticks > ticksPerLimit) fail?.(nothingCame(idleMs))
    }
    clock = undefined
  }

  return {
    watch(read) {
      return new Promise((resolve, reject) => {
        ticks = 0
        fail = reject
        // Taken back first: whoever waits may begin the next read at once.
        const end = (): void => {
          fail = undefined
        }
        read.finally(end).then(resolve, reject)
        if (clock !== undefined) return
        clock = createStop()
        run(clock.signal).catch(() => {})
      })
    },
    stop() {
      clock?.stop()
      clock = undefined
    },
  }
}

function nothingCame(idleMs: number): DOMException {
  return new DOMException(`nothing came for ${idleMs} ms`, 'TimeoutError')
}

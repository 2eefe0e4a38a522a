/**
 * Time as an argument: nobody below the hall starts a timer of its own.
 *
 * @module
 */

/** Waits so many milliseconds; rejects with the signal's reason when that fires, and leaves no timer behind. */
export type Wait = (ms: number, signal?: WaitSignal) => Promise<void>

/** The part of an `AbortSignal` that a wait looks at. */
export interface WaitSignal {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', act: () => void, options?: { readonly once: boolean }): void
  removeEventListener(type: 'abort', act: () => void): void
}

/** Why a timer is ended that nobody waits for; made once, since an error of its own would cost more than the timer. */
export const notNeeded: Error = new Error('not needed any more')

/** Ends a wait of one's own. */
export interface Stop {
  readonly signal: WaitSignal
  stop(): void
}

/** Makes one: an `AbortController` and its event cost more than the timer that they end, which nearly always they do. */
export function createStop(): Stop {
  const acts = new Set<() => void>()
  let aborted = false
  return {
    signal: {
      get aborted() {
        return aborted
      },
      reason: notNeeded,
      addEventListener: (_, act) => void acts.add(act),
      removeEventListener: (_, act) => void acts.delete(act),
    },
    stop() {
      aborted = true
      for (const act of acts) act()
      acts.clear()
    },
  }
}

/** A time limit that can be taken back. */
export interface Deadline {
  /** Fires when the time is over, or when the caller's own signal does. */
  readonly signal: AbortSignal
  /** Whether it was the time that fired it. */
  isOver(): boolean
  /** Begins the time anew, unless the limit was taken back. */
  restart(): void
  /** Takes the limit back: from here on only the caller's own signal counts. */
  clear(): void
}

/** Starts a time limit, whatever else ends the work. */
export function startDeadline(wait: Wait, ms: number, caller?: AbortSignal): Deadline {
  const limit = new AbortController()
  let running: Stop | undefined = createStop()
  let isOver = false
  const end = (): void => {
    isOver = true
    limit.abort(new DOMException(`nothing within ${ms} ms`, 'TimeoutError'))
  }
  const start = (stop: Stop): void => void wait(ms, stop.signal).then(end, () => {})
  start(running)
  return {
    signal: caller === undefined ? limit.signal : AbortSignal.any([caller, limit.signal]),
    isOver: () => isOver,
    restart() {
      if (running === undefined) return
      running.stop()
      running = createStop()
      start(running)
    },
    clear() {
      running?.stop()
      running = undefined
    },
  }
}

/** Waits for work that others share: the signal ends the waiting, not the work. */
export function untilAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

/**
 * Waits for a task, but no longer than so many milliseconds, also where the task heeds no signal.
 *
 * @throws DOMException `TimeoutError`, the caller's own reason, or what the task throws
 */
export async function within<T>(
  wait: Wait,
  ms: number,
  caller: AbortSignal | undefined,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = startDeadline(wait, ms, caller)
  const { signal } = deadline
  try {
    signal.throwIfAborted()
    return await new Promise<T>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      task(signal).then(resolve, reject)
    })
  } finally {
    deadline.clear()
  }
}

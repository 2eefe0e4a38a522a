/**
 * Waiting: timers as arguments, long work in steps, and how long to wait before a retry. Code below the app never starts a
 * timer of its own.
 *
 * @module
 */

/** Waits for milliseconds. Rejects with the signal's reason when the signal fires, and leaves no timer behind. */
export type Wait = (ms: number, signal?: WaitSignal) => Promise<void>

/** The part of an `AbortSignal` that a wait uses. */
export interface WaitSignal {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', act: () => void, options?: { readonly once: boolean }): void
  removeEventListener(type: 'abort', act: () => void): void
}

/** The reason of {@link createStop}. It is created once, because creating an error costs more than the timer. */
export const notNeeded: Error = new Error('not needed any more')

/** Cancels a wait. */
export interface Stop {
  readonly signal: WaitSignal
  stop(): void
}

/**
 * Creates a signal to cancel one wait at a time. An `AbortController` and its event would cost more than the timer, and
 * most timers are cancelled.
 */
export function createStop(): Stop {
  let act: (() => void) | undefined
  const signal = {
    aborted: false,
    reason: notNeeded,
    addEventListener(_: 'abort', added: () => void) {
      act = added
    },
    removeEventListener() {
      act = undefined
    },
  }
  return {
    signal,
    stop() {
      signal.aborted = true
      act?.()
      act = undefined
    },
  }
}

/** A time limit that can be cancelled. */
export interface Deadline {
  /** Ends when the time is over or the caller's signal fires. */
  readonly end: WaitSignal
  /** The same as an `AbortSignal`. It is created when it is first read, because it costs more than the deadline. */
  readonly signal: AbortSignal
  /** Whether the time limit fired the signal. */
  isOver(): boolean
  /** Restarts the time, unless the limit was cancelled. */
  restart(): void
  /** Cancels the limit. Afterwards only the caller's signal counts. */
  clear(): void
}

/**
 * Starts a time limit.
 *
 * @param wait timer of the runtime
 * @param ms milliseconds
 * @param caller a further signal that ends the work
 */
export function startDeadline(wait: Wait, ms: number, caller?: AbortSignal): Deadline {
  const { signal: end, fire } = createEnd()
  let signal: AbortSignal | undefined
  let running: Stop | undefined = createStop()
  let isOver = false
  const timeOut = (): void => {
    isOver = true
    fire(new DOMException(`nothing within ${ms} ms`, 'TimeoutError'))
  }
  const start = (stop: Stop): void => void wait(ms, stop.signal).then(timeOut, () => {})
  start(running)
  // Not AbortSignal.any(): its weak references cost more than the rest of the deadline.
  if (caller?.aborted) fire(caller.reason)
  else caller?.addEventListener('abort', () => fire(caller.reason), { once: true })
  return {
    end,
    get signal() {
      signal ??= toAbortSignal(end)
      return signal
    },
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

/** Creates a signal that is cheaper than an `AbortSignal`, and the function that fires it. */
function createEnd(): { readonly signal: WaitSignal; fire(reason: unknown): void } {
  let acts: readonly (() => void)[] = []
  const signal = {
    aborted: false,
    reason: undefined as unknown,
    addEventListener(_: 'abort', added: () => void) {
      acts = [...acts, added]
    },
    removeEventListener(_: 'abort', removed: () => void) {
      acts = acts.filter((act) => act !== removed)
    },
  }
  return {
    signal,
    fire(reason) {
      if (signal.aborted) return
      signal.aborted = true
      signal.reason = reason
      for (const act of acts) act()
      acts = []
    },
  }
}

function toAbortSignal(end: WaitSignal): AbortSignal {
  const controller = new AbortController()
  const abort = (): void => controller.abort(end.reason)
  if (end.aborted) abort()
  else end.addEventListener('abort', abort)
  return controller.signal
}

/**
 * Waits for shared work. The signal ends only the waiting, not the work.
 *
 * @param work that others may wait for too
 * @param signal of this caller
 * @throws the signal's reason, or the error of the work
 */
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
 * Waits for a task for at most `ms` milliseconds, even if the task ignores its signal.
 *
 * @param wait timer of the runtime
 * @param ms milliseconds
 * @param caller signal of the caller, if it has one
 * @param task gets a signal that fires at the end of the time or with the caller's
 * @throws DOMException `TimeoutError`, the caller's reason, or the task's error
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

/**
 * Runs work that yields at intervals, and lets other work run in between.
 *
 * @param wait timer of the runtime; a wait of 0 lets other work run
 * @param work yields about every 10 ms of its own work
 * @param signal checked at each pause
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
 * Runs work for each item, with limited concurrency. After a failure no further item is begun.
 *
 * @param items in their order
 * @param concurrency largest number of items under way
 * @param work may fail; the items under way are waited for
 * @throws the first error, after all begun work has ended
 */
export async function runConcurrently<T>(
  items: Iterable<T>,
  concurrency: number,
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
  const ended = await Promise.allSettled(Array.from({ length: concurrency }, workOn))
  for (const result of ended) if (result.status === 'rejected') throw result.reason
}

/**
 * Whether the same request may succeed later.
 *
 * @param status of an error answer
 */
export function isTransient(status: number): boolean {
  return [408, 429, 500, 502, 503, 504].includes(status)
}

/**
 * Reads how long the upstream asks to wait, in milliseconds. A date is relative to the answer's own `Date`.
 *
 * @param headers of the upstream's answer
 * @param now unix seconds, used if the answer has no `Date`
 * @returns milliseconds, not limited; `undefined` if the answer asks for nothing
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfterMs(headers: Headers, now?: number): number | undefined {
  for (const name of ['retry-after-ms', 'x-ms-retry-after-ms']) {
    const text = headers.get(name)
    if (text !== null && /^\d{1,9}(?:\.\d+)?$/.test(text)) return Number(text)
  }
  const text = headers.get('retry-after')
  if (text === null) return undefined
  if (/^\d{1,6}(?:\.\d+)?$/.test(text)) return Number(text) * 1000
  const from = Date.parse(headers.get('date') ?? '') || (now ?? Number.NaN) * 1000
  const ms = Date.parse(text) - from
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}

/**
 * Limits on bodies that pass through: how long they may be silent, with one idle watch for every body, and how many
 * bytes they may have.
 *
 * @module
 */

import type { ByteRange } from '../http/range.ts'
import { createStop, type Stop, type Wait, type WaitSignal } from '../time.ts'

/** Watches steps of a transfer, one at a time. */
export interface IdleWatch {
  /** Fails with a `TimeoutError` where the step takes too long; the time between steps does not count. */
  watch<T>(step: Promise<T>): Promise<T>
  /** Ends the timer. */
  stop(): void
}

const ticksPerLimit = 4
const mostInstantTurns = 4

/**
 * Makes a watch. One timer serves many steps, so that a step does not pay for one of its own. It ends when it finds no
 * step under way.
 *
 * @param wait timer of the runtime
 * @param idleMs milliseconds that a step may take
 * @param probe gives a value that changes while a slow step makes progress; the time then restarts
 * @returns a watch whose steps reject with a DOMException `TimeoutError`
 */
export function watchIdle(wait: Wait, idleMs: number, probe?: () => Promise<unknown>): IdleWatch {
  let ticks = 0
  let fail: ((error: unknown) => void) | undefined
  let timer: Stop | undefined
  let isStarting = false

  /** Bytes that are there already end their step within a few microtasks, and need no timer. */
  async function start(): Promise<void> {
    isStarting = true
    for (let turn = 0; turn < mostInstantTurns && fail !== undefined; turn += 1) await undefined
    isStarting = false
    if (fail === undefined || timer !== undefined) return
    timer = createStop()
    await run(timer.signal)
  }

  async function run(signal: WaitSignal): Promise<void> {
    let seen: unknown
    while (fail !== undefined) {
      await wait(idleMs / ticksPerLimit, signal)
      ticks += 1
      if (fail === undefined) break
      const now = await probe?.()
      if (now !== seen) ticks = 1
      seen = now
      if (ticks > ticksPerLimit) fail?.(nothingCame(idleMs))
    }
    timer = undefined
  }

  return {
    watch(step) {
      return new Promise((resolve, reject) => {
        ticks = 0
        fail = reject
        // The step is done before the waiting code may begin the next one.
        const done =
          <V>(settle: (value: V) => void) =>
          (value: V) => {
            fail = undefined
            settle(value)
          }
        step.then(done(resolve), done(reject))
        if (timer === undefined && !isStarting) start().catch(() => {})
      })
    },
    stop() {
      fail = undefined
      timer?.stop()
      timer = undefined
    },
  }
}

function nothingCame(idleMs: number): DOMException {
  return new DOMException(`nothing came for ${idleMs} ms`, 'TimeoutError')
}

/** Options of {@link passBody}. */
interface PassOptions {
  readonly wait: Wait
  /** Milliseconds that the body may be silent during a read. */
  readonly idleMs: number
  /** Called with each chunk. */
  readonly onChunk?: () => void
  /** Called once: after the last byte, after a failure, or when the rest is no longer needed. */
  readonly onEnd?: () => void
  /** Turns the failure into the error that the reader gets. */
  readonly explain?: (error: unknown) => unknown
}

/**
 * Passes the same chunks. A body that is silent for too long breaks, and its source is cancelled.
 *
 * @param body is read only when the result is read
 * @returns a stream that fails with the error of `explain`
 */
export function passBody(
  body: ReadableStream<Uint8Array>,
  { wait, idleMs, onChunk, onEnd, explain = (error) => error }: PassOptions,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const idle = watchIdle(wait, idleMs)
  const end = (): void => {
    idle.stop()
    onEnd?.()
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await idle.watch(reader.read())
          onChunk?.()
          if (!done) return controller.enqueue(value)
          end()
          controller.close()
        } catch (error) {
          end()
          reader.cancel(error).catch(() => {})
          controller.error(explain(error))
        }
      },
      cancel(reason) {
        end()
        return reader.cancel(reason)
      },
    },
    // Read only what is asked for, so that the client sets the pace.
    { highWaterMark: 0 },
  )
}

/**
 * Passes every byte, and fails unless there are exactly `bytes` of them.
 *
 * @param bytes length that was announced
 * @throws RangeError (in the stream) for a body of another length
 */
export function exactLength(bytes: number): TransformStream<Uint8Array, Uint8Array> {
  let left = bytes
  return new TransformStream({
    transform(chunk, controller) {
      left -= chunk.byteLength
      if (left < 0) throw new RangeError(`The body is longer than the ${bytes} bytes announced.`)
      controller.enqueue(chunk)
    },
    flush() {
      if (left > 0) throw new RangeError(`The body ended ${left} bytes short of ${bytes}.`)
    },
  })
}

/**
 * Passes at most `bytes` bytes, and fails with the error of `refuse` at the first one more.
 *
 * @param bytes largest length that passes
 * @param refuse creates the error
 * @throws (in the stream) the error of `refuse`
 */
export function atMost(
  bytes: number,
  refuse: () => unknown,
): TransformStream<Uint8Array, Uint8Array> {
  let left = bytes
  return new TransformStream({
    transform(chunk, controller) {
      left -= chunk.byteLength
      if (left < 0) throw refuse()
      controller.enqueue(chunk)
    },
  })
}

/**
 * Passes the bytes of a range and drops the others, for services that answer a request for a range with the whole.
 *
 * @param range first and last byte, both included
 */
export function cutStream({ start, end }: ByteRange): TransformStream<Uint8Array, Uint8Array> {
  let at = 0
  return new TransformStream({
    transform(chunk, controller) {
      const part = chunk.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at))
      at += chunk.byteLength
      if (part.byteLength > 0) controller.enqueue(part)
      if (at > end) controller.terminate()
    },
  })
}

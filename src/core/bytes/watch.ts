/**
 * A body that is watched on its way: its bytes are counted, its end is told, and a reader who takes nothing loses it.
 *
 * @module
 */

import { SlowReaderError } from '../observe/outcome.ts'
import type { Wait } from '../time.ts'

/** What {@link watchBody} goes by. */
export interface WatchOptions {
  readonly wait: Wait
  /** Milliseconds in which the reader has to take something; the body breaks when they have passed twice at the latest. */
  readonly idleTimeoutMs: number
  readonly onBytes: (count: number) => void
  /** Called once: when the body has ended, broken, or is not wanted any more. */
  readonly onEnd: () => void
}

/** Passes a body on, chunk by chunk as it is read and never ahead of its reader. */
export function watchBody(
  body: ReadableStream<Uint8Array>,
  { wait, idleTimeoutMs, onBytes, onEnd }: WatchOptions,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const ended = new AbortController()
  let isReading = false
  let turns = 0

  function end(): void {
    if (!ended.signal.aborted) onEnd()
    ended.abort()
  }

  /** One timer for each idle time and not for each chunk: there are thousands of those. */
  async function cutIdle(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    for (;;) {
      const seen = turns
      await wait(idleTimeoutMs, ended.signal)
      if (isReading || turns !== seen) continue
      const reason = new SlowReaderError(idleTimeoutMs)
      end()
      controller.error(reason)
      return reader.cancel(reason)
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        cutIdle(controller).catch(() => {})
      },
      async pull(controller) {
        isReading = true
        turns += 1
        try {
          const { done, value } = await reader.read()
          if (done) {
            end()
            return controller.close()
          }
          onBytes(value.byteLength)
          controller.enqueue(value)
        } catch (error) {
          end()
          controller.error(error)
        } finally {
          isReading = false
        }
      },
      cancel(reason) {
        end()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

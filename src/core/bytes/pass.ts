/**
 * A body as it passes: not for ever silent, and known when it has ended.
 *
 * @module
 */

import type { Wait } from '../time.ts'
import { watchIdle } from './idle.ts'

/** Options of {@link passBody}. */
export interface PassOptions {
  readonly wait: Wait
  /** Milliseconds that it may be silent while somebody reads. */
  readonly idleMs: number
  /** Called when a chunk passes. */
  readonly onChunk?: () => void
  /** Called once, when the last byte has passed, it broke, or nobody wants it any more. */
  readonly onEnd?: () => void
  /** Turns what broke it into what its reader is told. */
  readonly explain?: (error: unknown) => unknown
}

/** The same bytes, chunk for chunk; a body that is silent for too long breaks, and its source is given up. */
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
    // Read only what is asked for: the client's pace is the upstream's.
    { highWaterMark: 0 },
  )
}

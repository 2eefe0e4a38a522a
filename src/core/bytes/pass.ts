/**
 * Passes a body on with a limit on its silence, and tells when it has ended.
 *
 * @module
 */

import type { Wait } from '../time.ts'
import { watchIdle } from './idle.ts'

/** Options of {@link passBody}. */
export interface PassOptions {
  readonly wait: Wait
  /** Milliseconds that the body may be silent while somebody reads. */
  readonly idleMs: number
  /** Called with each chunk. */
  readonly onChunk?: () => void
  /** Called once: after the last byte, after a failure, or when nobody wants the rest. */
  readonly onEnd?: () => void
  /** Turns the failure into the error that the reader gets. */
  readonly explain?: (error: unknown) => unknown
}

/** Passes the same chunks. A body that is silent for too long breaks, and its source is cancelled. */
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

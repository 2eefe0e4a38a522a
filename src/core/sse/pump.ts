/**
 * A stream of events on its way through: each is looked at whole, what is not changed goes out in the chunks in which it
 * came, and what is held back still goes out when the stream breaks.
 *
 * @module
 */

import { createSplitter } from './split.ts'

/** Takes raw events and emits what may go out; a promise holds up the events behind. */
export interface EventHandler {
  push(raw: Uint8Array, emit: Emit): Promise<void> | undefined
  /** The stream has ended, or broken: whatever was held back goes out. */
  end(emit: Emit): Promise<void> | undefined
}

/** Takes raw events that may go out. */
export type Emit = (raw: Uint8Array) => void

/** Sends a stream through a handler. Nothing is read before somebody wants it. */
export function throughEvents(
  body: ReadableStream<Uint8Array>,
  handler: EventHandler,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const feed = createFeed(handler)
  let failure: { readonly error: unknown } | undefined
  /** Whether there is more to read. */
  async function readOn(release: Emit): Promise<boolean> {
    try {
      const { done, value } = await reader.read()
      if (!done) await feed.push(value, release)
      if (!done) return true
    } catch (error) {
      failure = { error }
      await reader.cancel(error).catch(() => {})
    }
    await feed.end(release)
    return false
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        let isReleased = false
        const release: Emit = (chunk) => {
          isReleased = true
          controller.enqueue(chunk)
        }
        let isOpen = failure === undefined
        while (isOpen && !isReleased) isOpen = await readOn(release)
        // An error would take along what was released but not read yet, so it comes with the next pull.
        if (failure !== undefined && !isReleased) throw failure.error
        if (failure === undefined && !isOpen) controller.close()
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/** What {@link throughEvents} does, as a transform; of a stream that breaks, what was held back is lost. */
export function eventTransform(handler: EventHandler): TransformStream<Uint8Array, Uint8Array> {
  const feed = createFeed(handler)
  return new TransformStream({
    transform: (chunk, controller) => feed.push(chunk, (released) => controller.enqueue(released)),
    flush: (controller) => feed.end((released) => controller.enqueue(released)),
  })
}

interface Feed {
  push(chunk: Uint8Array, release: Emit): Promise<void>
  end(release: Emit): Promise<void>
}

function createFeed(handler: EventHandler): Feed {
  const splitter = createSplitter()
  async function handle(events: Iterable<Uint8Array>, outbox: Outbox): Promise<void> {
    for (const event of events) {
      const waiting = handler.push(event, outbox.put)
      if (waiting === undefined) continue
      // What came before need not wait as well.
      outbox.flush()
      await waiting
    }
    outbox.flush()
  }
  return {
    push(chunk, release) {
      return handle(splitter.push(chunk), createOutbox(release))
    },
    async end(release) {
      await handle(splitter.end(), createOutbox(release))
      await handler.end(release)
    },
  }
}

interface Outbox {
  readonly put: Emit
  flush(): void
}

/** Joins neighbours that are views of one chunk, since each piece that goes out has its price. */
function createOutbox(release: Emit): Outbox {
  let first: Uint8Array | undefined
  let end = 0
  const flush = (): void => {
    if (first !== undefined && end > first.byteOffset) {
      const { buffer, byteOffset, byteLength } = first
      const isAlone = byteOffset + byteLength === end
      release(isAlone ? first : new Uint8Array(buffer, byteOffset, end - byteOffset))
    }
    first = undefined
  }
  return {
    flush,
    put(piece) {
      if (first?.buffer !== piece.buffer || piece.byteOffset !== end) {
        flush()
        first = piece
      }
      end = piece.byteOffset + piece.byteLength
    },
  }
}

/**
 * Sends the events of a stream through a handler. Unchanged events leave in the chunks in which they came. Held events
 * are released even if the stream fails.
 *
 * @module
 */

import { createSplitter } from './split.ts'

/** Handles the raw events of one stream. */
export interface EventHandler {
  push(raw: Uint8Array, emit: Emit): Promise<void> | undefined
  /** The stream has ended or broken off. Emits all events that were held back. */
  end(emit: Emit): Promise<void> | undefined
}

/** Sends a raw event on. */
export type Emit = (raw: Uint8Array) => void

/**
 * Sends a stream through a handler. Reads only on demand.
 *
 * @param body stream of server-sent events; cancelled together with the result
 * @param handler of this stream only
 * @throws (in the stream) the error of the body or of the handler, after everything held was released
 */
export function throughEvents(
  body: ReadableStream<Uint8Array>,
  handler: EventHandler,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const feed = createFeed(handler)
  let failure: { readonly error: unknown } | undefined
  /** Reads one chunk; returns whether more may follow. */
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
        // An error would discard released chunks that are not read yet, so it is thrown at the next pull.
        if (failure !== undefined && !isReleased) throw failure.error
        if (failure === undefined && !isOpen) controller.close()
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/**
 * Like {@link throughEvents}, as a transform. If the stream fails, held events are lost.
 *
 * @param handler of this stream only
 */
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

/** Splits chunks into events and gives them to the handler in order. */
function createFeed(handler: EventHandler): Feed {
  const splitter = createSplitter()
  async function handle(events: Iterable<Uint8Array>, outbox: Outbox): Promise<void> {
    for (const event of events) {
      const waiting = handler.push(event, outbox.put)
      if (waiting === undefined) continue
      // Events before the waiting one must not wait too.
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
      // The rest may end in the middle of a line, so held events go before it.
      const rest: Uint8Array[] = []
      await handle(
        splitter.end(),
        createOutbox((chunk) => void rest.push(chunk)),
      )
      await handler.end(release)
      for (const chunk of rest) release(chunk)
    },
  }
}

interface Outbox {
  readonly put: Emit
  flush(): void
}

/** Joins neighbouring views of one buffer, because each chunk that is sent has a fixed cost. */
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

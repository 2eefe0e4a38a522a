/**
 * Sends the events of a stream through a handler. Unchanged events leave in the chunks in which they came. Held events
 * are released even if the stream fails.
 *
 * @module
 */

import type { ByteReader } from '../bytes/reader.ts'
import { createSplitter } from './split.ts'

/**
 * Handles the raw events of one stream. The bytes of an event stay valid until the handler has emitted it, or has copied
 * it to emit it later.
 */
export interface EventHandler {
  push(raw: Uint8Array, emit: Emit): Promise<void> | undefined
  /**
   * Skips events that pass unchanged and are not pushed.
   *
   * @param start offset in the chunk at which an event begins
   * @returns the offset behind the last skipped event; `start` if there are none
   */
  skip?(chunk: Uint8Array, start: number): number
  /** The stream has ended or broken off. Emits all events that were held back. */
  end(emit: Emit): Promise<void> | undefined
}

/** Sends a raw event on. */
export type Emit = (raw: Uint8Array) => void

/**
 * Sends a stream through a handler. Reads only on demand.
 *
 * @param bytes stream of server-sent events; cancelled together with the result
 * @param handler of this stream only
 * @throws (while reading) the error of the bytes or of the handler, after everything held was released
 */
export function throughEvents(bytes: ByteReader, handler: EventHandler): ByteReader {
  const feed = createFeed(handler)
  const released: Uint8Array[] = []
  const release: Emit = (chunk) => void released.push(chunk)
  let isOpen = true
  let failure: { readonly error: unknown } | undefined
  /** Reads one chunk, or releases what is left after the last one. */
  async function readOn(): Promise<void> {
    try {
      const chunk = await bytes.read()
      if (chunk !== undefined) return await feed.push(chunk, release)
    } catch (error) {
      failure = { error }
      await bytes.cancel(error).catch(() => {})
    }
    isOpen = false
    await feed.end(release)
  }
  return {
    async read() {
      while (isOpen && released.length === 0) await readOn()
      const chunk = released.shift()
      if (chunk === undefined && failure !== undefined) throw failure.error
      return chunk
    },
    cancel: (reason) => bytes.cancel(reason),
  }
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
      const outbox = createOutbox(release)
      const { skip } = handler
      if (skip === undefined) return handle(splitter.push(chunk), outbox)
      const skipAndPut = (start: number): number => {
        const end = skip(chunk, start)
        if (end > start) outbox.put(chunk.subarray(start, end))
        return end
      }
      return handle(splitter.push(chunk, skipAndPut), outbox)
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

/**
 * Carriers move bytes from the upstream to the client. Each runtime has its own, for speed.
 *
 * @module
 */

import type { Wait } from '../time.ts'
import { brokenOff, endedEarly, isSilence, SlowReaderError } from './failures.ts'
import { watchIdle } from './limit.ts'
import {
  type ByteReader,
  type BytesWatcher,
  beginReading,
  mostWhole,
  type ReadBody,
  readBody,
  readLargePieces,
  readSmallByOneCall,
  slowPiece,
  watchBytes,
} from './reader.ts'

/** Moves bytes in the way of one runtime. */
export interface Carrier {
  readonly read: ReadBody
  /** Reads a body in the pieces in which it arrives, for streams of events. */
  readonly readAsItArrives: ReadBody
  /** Makes an answer with these bytes as its body. */
  readonly answer: (bytes: ByteReader, init: AnswerInit) => Response
  /** Makes a stream of the bytes, for code that takes nothing else. */
  readonly stream: (bytes: ByteReader) => ReadableStream<Uint8Array>
  /** Makes the same answer with a watched body. The answer must have a body. */
  readonly watch: (answer: Response, watcher: BytesWatcher) => Response
  /** Files up to this length in bytes are read before their answer begins, which costs less than a stream. */
  readonly mostWhole: number
}

/** How long a client may take no byte of an answer before it is cut off. */
export interface ClientIdleLimit {
  readonly wait: Wait
  /** Milliseconds. */
  readonly idleMs: number
}

/** Makes the carrier of a runtime. */
export type CreateCarrier = (limit: ClientIdleLimit) => Carrier

/** Status and headers of an answer. */
interface AnswerInit {
  /** @default 200 */
  readonly status?: number
  /** By lower-case name. One list at once costs less than to set each header. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Answers with some bytes. The answer begins with their first piece, or with all of them if they are few, so that a failure
 * until then can be answered with a code.
 *
 * @param carrier of this runtime
 * @param bytes the body, exactly as many as `content-length` says
 * @param init status and headers; without `content-length` the body is streamed
 * @throws CfileError `upstream_error`, `upstream_timeout`, or the code of the failure
 */
export async function answerWith(
  carrier: Carrier,
  bytes: ByteReader,
  init: AnswerInit,
): Promise<Response> {
  const length = Number(init.headers['content-length'])
  try {
    return length <= carrier.mostWhole
      ? new Response(await readWhole(bytes, length), init)
      : carrier.answer(await beginReading(bytes), init)
  } catch (cause) {
    throw brokenOff(cause)
  }
}

async function readWhole(bytes: ByteReader, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(length)
  let at = 0
  for (let piece = await bytes.read(); piece !== undefined; piece = await bytes.read()) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  if (at < length) throw endedEarly(at, length)
  return whole
}

/** Makes a carrier on web streams. */
export const createWebCarrier: CreateCarrier = (limit) => ({
  read: readBody,
  readAsItArrives: readBody,
  answer: (bytes, init) => new Response(toStream(bytes, limit), init),
  stream: (bytes) => toStream(bytes),
  watch: (answer, watcher) =>
    new Response(toStream(watchBytes(readBody(answer), watcher), limit), answer),
  mostWhole,
})

/**
 * Makes carriers for Deno: web streams of few large pieces.
 *
 * @param now in milliseconds
 */
export function denoCarrier(now: () => number): CreateCarrier {
  return (limit) => ({
    ...createWebCarrier(limit),
    read: readSmallByOneCall(readLargePieces(now, 'own')),
  })
}

/**
 * Makes a stream that reads only what is asked for. With a limit, it breaks where nothing is asked for in time.
 *
 * @param isWatchedFromStart whether the limit counts before the first read too. False if another reader may take
 * `bytes` in place of the stream.
 */
export function toStream(
  bytes: ByteReader,
  limit?: ClientIdleLimit,
  isWatchedFromStart = true,
): ReadableStream<Uint8Array> {
  const idle = limit && watchIdle(limit.wait, limit.idleMs)
  let onPull = (): void => {}
  const stop = (): void => {
    onPull()
    idle?.stop()
  }

  function expectPull(controller: ReadableStreamDefaultController): void {
    if (limit === undefined || idle === undefined) return
    const pulled = new Promise<void>((resolve) => {
      onPull = resolve
    })
    idle.watch(pulled).catch(() => {
      const slow = new SlowReaderError(limit.idleMs)
      controller.error(slow)
      bytes.cancel(slow).catch(() => {})
    })
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (isWatchedFromStart) expectPull(controller)
        bytes.closed?.catch((error) => controller.error(error))
      },
      async pull(controller) {
        onPull()
        try {
          const piece = await bytes.read()
          if (piece === undefined) {
            stop()
            return controller.close()
          }
          controller.enqueue(piece)
        } catch (error) {
          stop()
          throw error
        }
        expectPull(controller)
      },
      cancel(reason) {
        stop()
        return bytes.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

/** A stream of a given length that the runtime passes on by itself: the `FixedLengthStream` of Workers. */
export type FixedLength = (bytes: number) => ReadableWritablePair<Uint8Array, Uint8Array>

/**
 * Makes carriers that move few large pieces, for runtimes where JavaScript in the byte path is expensive.
 *
 * @param now in milliseconds
 */
export function largePiecesCarrier(fixedLength: FixedLength, now: () => number): CreateCarrier {
  return (limit) => {
    function streamOf(bytes: ByteReader, length: string | null): ReadableStream<Uint8Array> {
      if (length === null) return toStream(copied(bytes), limit)
      const { readable, writable } = fixedLength(Number(length))
      // The reader of the stream gets the failure.
      pump(bytes, writable.getWriter(), limit).catch(() => {})
      return readable
    }
    return {
      ...createWebCarrier(limit),
      read: readSmallByOneCall(readLargePieces(now, 'reused')),
      stream: (bytes) => toStream(copied(bytes)),
      answer: (bytes, init) =>
        new Response(streamOf(bytes, init.headers['content-length'] ?? null), init),
      watch(answer, watcher) {
        const length = answer.headers.get('content-length')
        return new Response(streamOf(watchBytes(readBody(answer), watcher), length), answer)
      },
    }
  }
}

/** Copies each piece, for readers that do not say when they have used it. */
export function copied(bytes: ByteReader): ByteReader {
  return { ...bytes, read: async (needed) => (await bytes.read(needed))?.slice() }
}

async function pump(
  bytes: ByteReader,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  { wait, idleMs }: ClientIdleLimit,
): Promise<void> {
  const idle = watchIdle(wait, idleMs)
  /** Writes a piece. A large one gets more time, because progress within it is not visible. */
  async function write(piece: Uint8Array): Promise<void> {
    const written = writer.write(piece)
    for (let left = piece.byteLength; ; left -= slowPiece) {
      try {
        return await idle.watch(written)
      } catch (error) {
        if (!isSilence(error)) throw error
        if (left <= slowPiece) throw new SlowReaderError(idleMs)
      }
    }
  }
  // The only sign of a client that leaves while a read waits.
  writer.closed.catch(bytes.cancel)
  try {
    for (let piece = await bytes.read(); piece !== undefined; piece = await bytes.read()) {
      await write(piece)
    }
    await writer.close()
  } catch (error) {
    await Promise.allSettled([bytes.cancel(error), writer.abort(error)])
  } finally {
    idle.stop()
  }
}

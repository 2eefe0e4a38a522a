/**
 * How bytes get from one side to the other, which each runtime does best in a way of its own.
 *
 * @module
 */

import type { OnBodyEnd } from '../observe/outcome.ts'
import { brokenOff } from './failures.ts'
import {
  type Bodied,
  type ByteReader,
  beginReading,
  type ReadPieces,
  readLargePieces,
  readPieces,
  readStream,
  watchBytes,
} from './reader.ts'

/** The ways of one runtime. */
export interface Carrier {
  readonly read: ReadPieces
  /** An answer with these bytes as its body. */
  readonly answer: (bytes: ByteReader, init: AnswerInit) => Response
  /** A stream of the bytes, for whoever takes nothing else. */
  readonly stream: (bytes: ByteReader) => ReadableStream<Uint8Array>
  /** The same answer, whose body tells when it has ended. The answer must have a body. */
  readonly watch: (answer: Response, onEnd: OnBodyEnd) => Response
  /** How long a file may be, in bytes, that is read before its answer begins, since that costs less than a stream. */
  readonly mostWhole: number
}

/** How an answer begins. */
export interface AnswerInit {
  /** @default 200 */
  readonly status?: number
  /** By their names in lower case: to make a list of them at once costs less than to set each. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Answers with some bytes. The answer begins with their first piece, or with all of them if they are few, so that a failure
 * until then can be answered with a code.
 *
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
  if (at < length) throw new RangeError(`The body ended at byte ${at} of ${length}.`)
  return whole
}

/** Carries by the web's standards. */
export const webCarrier: Carrier = {
  read: readPieces,
  answer: (bytes, init) => new Response(toStream(bytes), init),
  stream: toStream,
  watch: (answer, onEnd) => new Response(toStream(watchBody(answer, onEnd)), answer),
  mostWhole: 64 * 1024,
}

function watchBody({ body }: Bodied, onEnd: OnBodyEnd): ByteReader {
  return watchBytes(readStream(body), onEnd)
}

function toStream(bytes: ByteReader): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        bytes.closed?.catch((error) => controller.error(error))
      },
      async pull(controller) {
        const piece = await bytes.read()
        if (piece === undefined) controller.close()
        else controller.enqueue(piece)
      },
      cancel: (reason) => bytes.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/** Where a runtime passes bytes of an announced length on by itself: the `FixedLengthStream` of Workers. */
export type FixedLength = (bytes: number) => ReadableWritablePair<Uint8Array, Uint8Array>

/**
 * Carries in few large pieces, for runtimes where JavaScript in the byte path costs much.
 *
 * @param now in milliseconds
 */
export function largePiecesCarrier(fixedLength: FixedLength, now: () => number): Carrier {
  // Of a stream nobody knows when a piece was used, and its memory may be read into again.
  const stream = (bytes: ByteReader) =>
    toStream({ ...bytes, read: async () => (await bytes.read())?.slice() })
  function streamOf(bytes: ByteReader, length: string | null = null): ReadableStream<Uint8Array> {
    if (length === null) return stream(bytes)
    const { readable, writable } = fixedLength(Number(length))
    // The reader gets the failure from the stream.
    pump(bytes, writable.getWriter()).catch(() => {})
    return readable
  }
  return {
    ...webCarrier,
    read: readLargePieces(now),
    stream,
    answer: (bytes, init) => new Response(streamOf(bytes, init.headers['content-length']), init),
    watch(answer, onEnd) {
      const length = answer.headers.get('content-length')
      return new Response(streamOf(watchBody(answer, onEnd), length), answer)
    },
  }
}

async function pump(
  bytes: ByteReader,
  writer: WritableStreamDefaultWriter<Uint8Array>,
): Promise<void> {
  // A client that went away shows here while a read waits.
  writer.closed.catch(bytes.cancel)
  try {
    for (let piece = await bytes.read(); piece !== undefined; piece = await bytes.read()) {
      await writer.write(piece)
    }
    await writer.close()
  } catch (error) {
    await Promise.allSettled([bytes.cancel(error), writer.abort(error)])
  }
}

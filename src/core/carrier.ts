/**
 * How bytes get from one side to the other, which each runtime does best in a way of its own.
 *
 * @module
 */

import { type ByteReader, type ReadPieces, readLargePieces, readPieces } from './pieces.ts'
import { type Carriage, readTransfer, type Transfer } from './transfer.ts'

/** The ways of one runtime. */
export interface Carrier {
  /** The bytes of a file as the body of an answer. */
  readonly carry: (transfer: Transfer, carriage: Carriage) => ReadableStream<Uint8Array>
  /** Bytes that are made here as the body of an answer, so many where their number is known. */
  readonly pour: (bytes: ByteReader, length?: number) => ReadableStream<Uint8Array>
  readonly read: ReadPieces
}

/** Makes the carrier of a runtime from how it reads and how it writes. */
export function createCarrier({ read, pour }: Pick<Carrier, 'read' | 'pour'>): Carrier {
  return {
    read,
    pour,
    carry: (transfer, carriage) =>
      pour(readTransfer(transfer, carriage), transfer.end && transfer.end - transfer.start),
  }
}

/** Carries by the web's standards. */
export const webCarrier: Carrier = createCarrier({ read: readPieces, pour: pourAsStream })

function pourAsStream(bytes: ByteReader): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
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
  return createCarrier({
    read: readLargePieces(now),
    pour(bytes, length) {
      if (length === undefined) return pourAsStream(copied(bytes))
      const { readable, writable } = fixedLength(length)
      // Whoever reads learns of a failure from the stream.
      pump(bytes, writable.getWriter()).catch(() => {})
      return readable
    },
  })
}

/** Of a stream nobody knows when a piece was used, and its memory may be read into again. */
function copied(bytes: ByteReader): ByteReader {
  return { ...bytes, read: async () => (await bytes.read())?.slice() }
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

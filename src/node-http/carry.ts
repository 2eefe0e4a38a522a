/**
 * Carrying on Node: from the upstream's socket to the client's, counted and taken up again as everywhere, without a web
 * stream on the way.
 *
 * @module
 */

import { type Carrier, webCarrier } from '../core/bytes/carrier.ts'
import {
  type Pieces,
  type ReadPieces,
  readPieces,
  readStream,
  watchBytes,
} from '../core/bytes/reader.ts'
import {
  type OnBodyEnd,
  type Outcome,
  outcomeOfCancel,
  outcomeOfFailure,
} from '../core/observe/outcome.ts'
import type { RawBody } from './raw-body.ts'
import { isRaw, LazyResponse, rawResponse, underOf } from './response.ts'

const readRawPieces: ReadPieces = (from) => {
  const under = underOf(from)
  return under !== undefined && isRaw(under) ? takePieces(under) : readPieces(from)
}

// What comes while the client's socket is busy; beyond it the upstream's socket waits.
const mostHeld = 128 * 1024

interface Wanting {
  resolve(piece: Uint8Array | undefined): void
  reject(error: Error): void
}

function takePieces(raw: RawBody): Pieces {
  const held: Uint8Array[] = []
  let heldBytes = 0
  let wanting: Wanting | undefined
  let isOver = false
  let failure: Error | undefined

  function settle(): void {
    const reader = wanting
    if (reader === undefined || (held.length === 0 && !isOver)) return
    wanting = undefined
    if (held.length === 0 && failure !== undefined) reader.reject(failure)
    else reader.resolve(take())
  }

  function take(): Uint8Array | undefined {
    const piece = held.shift()
    if (piece === undefined) return undefined
    const isFull = heldBytes >= mostHeld
    heldBytes -= piece.byteLength
    if (isFull && heldBytes < mostHeld && !isOver) raw.resume()
    return piece
  }

  function next(): Promise<Uint8Array | undefined> {
    if (held.length > 0) return Promise.resolve(take())
    return new Promise((resolve, reject) => {
      wanting = { resolve, reject }
      settle()
    })
  }

  raw.flow({
    write(chunk) {
      held.push(chunk)
      heldBytes += chunk.byteLength
      settle()
      return heldBytes < mostHeld
    },
    end() {
      isOver = true
      settle()
    },
    fail(error) {
      isOver = true
      failure = error
      settle()
    },
  })

  return {
    async read(most) {
      let piece = await next()
      while (piece?.byteLength === 0) piece = await next()
      if (piece === undefined || piece.byteLength <= most) return piece
      const rest = piece.subarray(most)
      held.unshift(rest)
      heldBytes += rest.byteLength
      return piece.subarray(0, most)
    },
    hasMore: async () => held.length > 0 || (await next()) !== undefined,
    cancel: async (reason) => raw.cancel(reason),
  }
}

function watchRaw(raw: RawBody, onEnd: OnBodyEnd): RawBody {
  let bytes = 0
  let isOver = false
  const end = (outcome: Outcome): void => {
    if (!isOver) onEnd(bytes, outcome)
    isOver = true
  }
  return {
    resume: raw.resume,
    flow: (sink) =>
      raw.flow({
        write(chunk) {
          bytes += chunk.byteLength
          return sink.write(chunk)
        },
        end() {
          end('done')
          sink.end()
        },
        fail(error) {
          end(outcomeOfFailure(error))
          sink.fail(error)
        },
      }),
    cancel(reason) {
      end(outcomeOfCancel(reason))
      raw.cancel(reason)
    },
  }
}

/** Carries as an answer that need not become a stream: whoever knows how takes the bytes under it. */
export const nodeCarrier: Carrier = {
  ...webCarrier,
  read: readRawPieces,
  // No stream is made of it.
  mostWhole: 0,
  answer: (bytes, { status = 200, headers }) =>
    new LazyResponse(bytes, () => webCarrier.stream(bytes), {
      status,
      headers: new Headers(headers),
    }),
  watch(answer, onEnd) {
    const under = underOf(answer)
    if (under !== undefined && isRaw(under)) return rawResponse(watchRaw(under, onEnd), answer)
    const bytes = watchBytes(under ?? readStream(answer.body), onEnd)
    return new LazyResponse(bytes, () => webCarrier.stream(bytes), answer)
  },
}

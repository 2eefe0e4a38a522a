/**
 * An exchange: facts of one request and its answer for the access log, the metrics and `Server-Timing`.
 *
 * The route creates it, the gateway functions fill it in, and `onEnd` reports it once when headers and body have ended.
 *
 * @module
 */

import type { OnBodyEnd, Outcome } from '../core/bytes/failures.ts'
import type { Upstream } from './gateway.ts'
import type { FileLocation } from './upstreams/location.ts'

/** Where the bytes of a download came from. */
type ServedFrom = 'archive' | 'upstream' | 'emulator'

/** Facts of one exchange, filled in while the request is handled. Times are milliseconds of one monotonic clock. */
export interface Exchange {
  readonly requestId: string
  readonly method: string
  readonly startedAt: number
  /** When status and headers of the answer were ready. */
  firstByteAt: number
  /** Status of the answer; 0 until the headers are ready. */
  status: number
  /**
   * How the end of the body is observed. `whole`: it ends with the headers. `carried`: the carrier reports the end of a
   * file. `passing`: the stream must be watched. `socket`: a WebSocket reports its own end.
   */
  body: 'whole' | 'carried' | 'passing' | 'socket'
  bytes: number
  /** How the body ended; absent until then. */
  outcome?: Outcome
  /** Whether the body holds file content. */
  isDownload: boolean
  fileId?: string
  containerId?: string
  /** Name of the upstream. */
  upstream?: string
  from?: ServedFrom
  /** `code` of an error answer. */
  code?: string
  /** Milliseconds until container and upstream of the file were known. */
  lookupMs?: number
  /** Milliseconds that upstream and archive took to describe and open the file. */
  upstreamMs?: number
  archiveMs?: number
  /** Path pattern of an OpenAI API operation, as documented. */
  pattern?: string
  /** Called once, when headers and body have been sent. */
  readonly onEnd: () => void
}

/** Creates the exchange of a request, whose `startedAt` is milliseconds of the monotonic clock. */
export function beginExchange(
  start: Pick<Exchange, 'requestId' | 'method' | 'startedAt' | 'onEnd'>,
): Exchange {
  const { startedAt: firstByteAt } = start
  return { ...start, firstByteAt, status: 0, body: 'whole', bytes: 0, isDownload: false }
}

/**
 * Records that status and headers are ready.
 *
 * @param now milliseconds of the monotonic clock
 */
export function sendHead(exchange: Exchange, status: number, now: number): void {
  exchange.status = status
  exchange.firstByteAt = now
  if (exchange.outcome !== undefined) exchange.onEnd()
}

/**
 * Records the end of the body. A small body ends before the headers are ready.
 *
 * @param bytes number of bytes sent
 */
export function endBody(exchange: Exchange, bytes: number, outcome: Outcome): void {
  if (exchange.outcome !== undefined) return
  exchange.bytes = bytes
  exchange.outcome = outcome
  if (exchange.status !== 0) exchange.onEnd()
}

/**
 * Resets the exchange for an error answer.
 *
 * @param code error code of the answer, for the log
 */
export function failExchange(exchange: Exchange, code?: string): void {
  exchange.code = code
  exchange.body = 'whole'
  exchange.isDownload = false
  exchange.outcome = undefined
}

/** Returns the callback with which a carrier reports the end of a file. */
export function onCarriedEnd(exchange: Exchange): OnBodyEnd {
  exchange.body = 'carried'
  exchange.isDownload = true
  return (bytes, outcome) => {
    // Ignored when an error answer has replaced the file.
    if (exchange.body === 'carried') endBody(exchange, bytes, outcome)
  }
}

/**
 * Records which file is requested, and the time of the lookup.
 *
 * @param now milliseconds of the monotonic clock
 */
export function setLocation(
  exchange: Exchange,
  { fileId, containerId }: FileLocation,
  now: number,
): void {
  exchange.fileId = fileId
  exchange.containerId = containerId
  exchange.lookupMs = now - exchange.startedAt
}

/**
 * Records which upstream answered. `undefined`: the archive answered.
 *
 * @param upstream the upstream that gave the answer
 */
export function setServedFrom(exchange: Exchange, upstream: Upstream | undefined): void {
  exchange.upstream = upstream?.name
  exchange.from = upstream === undefined ? 'archive' : upstream.isEmulator ? 'emulator' : 'upstream'
}

/**
 * Adds milliseconds to the time of the archive or the upstream.
 *
 * @param of the part that took the time
 * @param ms milliseconds of the monotonic clock
 */
export function addTime(exchange: Exchange, of: 'archiveMs' | 'upstreamMs', ms: number): void {
  exchange[of] = (exchange[of] ?? 0) + ms
}

/** Value of the `Server-Timing` header, in milliseconds. @see https://www.w3.org/TR/server-timing/ */
export function serverTiming({ lookupMs, archiveMs, upstreamMs }: Exchange): string {
  const lookup = `lookup;dur=${(lookupMs ?? 0).toFixed(1)}`
  const archive = archiveMs === undefined ? '' : `, archive;dur=${archiveMs.toFixed(1)}`
  const upstream = upstreamMs === undefined ? '' : `, upstream;dur=${upstreamMs.toFixed(1)}`
  return lookup + archive + upstream
}

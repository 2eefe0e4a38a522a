/**
 * An exchange: one request and its answer, as the log, the metrics and `Server-Timing` tell of it.
 *
 * @module
 */

import type { OnBodyEnd, Outcome } from '../core/observe/outcome.ts'
import type { Upstream } from './gateway.ts'
import type { FileLocation } from './upstreams/location.ts'

/** Where bytes came from. */
export type Origin = 'archive' | 'upstream' | 'emulator'

/** Facts of one exchange, filled in while the request goes through. Times are milliseconds of one clock. */
export interface Exchange {
  readonly requestId: string
  readonly method: string
  readonly startedAt: number
  /** When the head of the answer was ready. */
  firstByteAt: number
  /** 0 until the head is ready. */
  status: number
  /**
   * How the end of the body becomes known: a `whole` one is there with its head, a `carried` one is a file whose
   * transfer tells, a `passing` one has to be watched; a `socket` ends on its own.
   */
  body: 'whole' | 'carried' | 'passing' | 'socket'
  bytes: number
  /** Absent while the body has not ended. */
  outcome: Outcome | undefined
  /** Whether the bytes are those of files. */
  isDownload: boolean
  fileId: string | undefined
  containerId: string | undefined
  /** The upstream's name. */
  upstream: string | undefined
  from: Origin | undefined
  /** The code of an error answer. */
  code: string | undefined
  /** Milliseconds from the start until the file's place was known. */
  lookupMs: number | undefined
  /** Milliseconds that the upstream, and the archive, took in all to describe and open the file. */
  upstreamMs: number | undefined
  archiveMs: number | undefined
  /** Of the OpenAI API's documents, for its operations. */
  pattern: string | undefined
  /** Called once, when head and body are through. */
  readonly onEnd: () => void
}

/** Begins an exchange. */
export function beginExchange({
  requestId,
  method,
  startedAt,
  onEnd,
}: Pick<Exchange, 'requestId' | 'method' | 'startedAt' | 'onEnd'>): Exchange {
  return {
    requestId,
    method,
    startedAt,
    onEnd,
    firstByteAt: startedAt,
    status: 0,
    body: 'whole',
    bytes: 0,
    outcome: undefined,
    isDownload: false,
    fileId: undefined,
    containerId: undefined,
    upstream: undefined,
    from: undefined,
    code: undefined,
    lookupMs: undefined,
    upstreamMs: undefined,
    archiveMs: undefined,
    pattern: undefined,
  }
}

/** Tells that the head is ready. */
export function sendHead(exchange: Exchange, status: number, now: number): void {
  exchange.status = status
  exchange.firstByteAt = now
  if (exchange.outcome !== undefined) exchange.onEnd()
}

/** Tells that the body has ended; a small one ends before the head is ready. */
export function endBody(exchange: Exchange, bytes: number, outcome: Outcome): void {
  if (exchange.outcome !== undefined) return
  exchange.bytes = bytes
  exchange.outcome = outcome
  if (exchange.status !== 0) exchange.onEnd()
}

/** Begins anew with an error as the answer, whatever was carried before. */
export function failExchange(exchange: Exchange, code?: string): void {
  exchange.code = code
  exchange.body = 'whole'
  exchange.isDownload = false
  exchange.outcome = undefined
}

/** The body's end as a transfer tells it. */
export function carriedBy(exchange: Exchange): OnBodyEnd {
  exchange.body = 'carried'
  exchange.isDownload = true
  return (bytes, outcome) => {
    // An error may have taken the body's place.
    if (exchange.body === 'carried') endBody(exchange, bytes, outcome)
  }
}

/** Notes which file is asked for. */
export function noteLocation(
  exchange: Exchange,
  { fileId, containerId }: FileLocation,
  now: number,
): void {
  exchange.fileId = fileId
  exchange.containerId = containerId
  exchange.lookupMs = now - exchange.startedAt
}

/** Notes which upstream answered; absent: the archive did. */
export function noteSource(exchange: Exchange, upstream: Upstream | undefined): void {
  exchange.upstream = upstream?.name
  exchange.from = upstream === undefined ? 'archive' : upstream.isEmulator ? 'emulator' : 'upstream'
}

/** Adds to the time that the archive, or the upstream, took. */
export function addTime(exchange: Exchange, of: 'archiveMs' | 'upstreamMs', ms: number): void {
  exchange[of] = (exchange[of] ?? 0) + ms
}

/** The value of `Server-Timing` (https://www.w3.org/TR/server-timing/), in milliseconds. */
export function serverTiming({ lookupMs, archiveMs, upstreamMs }: Exchange): string {
  const lookup = `lookup;dur=${(lookupMs ?? 0).toFixed(1)}`
  const archive = archiveMs === undefined ? '' : `, archive;dur=${archiveMs.toFixed(1)}`
  const upstream = upstreamMs === undefined ? '' : `, upstream;dur=${upstreamMs.toFixed(1)}`
  return lookup + archive + upstream
}

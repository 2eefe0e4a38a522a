/**
 * State of one client connection of the Responses API over WebSocket, shared by the two directions, and the errors that
 * the client gets as `error` events.
 *
 * @module
 */

import { socketMessages } from '../../../core/api/operations.ts'
import { CfileError, toCfileError, toErrorBody } from '../../../core/errors.ts'
import { mostMessageBytes, type Socket, type SocketEnd } from '../../../core/http/websocket.ts'
import type { PreviousTurn } from '../../../core/rewrite/answer-containers.ts'
import type { Exchange } from '../../exchange.ts'
import type { Caller, Gateway, Upstream } from '../../gateway.ts'
import type { Healing } from '../heal.ts'

/** The upgrade request of a client. */
export interface SocketRequest {
  readonly headers: Headers
  /** Query with its `?`, or empty. */
  readonly query: string
  readonly exchange: Exchange
}

/** A connection to an upstream. */
export interface UpstreamSocket {
  readonly home: Upstream
  readonly socket: Socket
}

/** A message that waits for its answer. */
export interface Pending {
  /** Heals the message; absent when it was healed before. */
  readonly healing?: Healing
  /** The turn that the message continues. */
  readonly previous?: PreviousTurn
  /** Ends the work for the message when the client leaves. */
  readonly stop: AbortController
}

/** State of one client connection. */
export interface Session {
  readonly gateway: Gateway
  readonly caller: Caller
  readonly request: SocketRequest
  readonly client: Socket
  /** The connection to the upstream; opened with the first message. */
  upstream?: UpstreamSocket
  /** Ends the work for the message that is being prepared. */
  preparing?: AbortController
  /** Messages that were sent upstream and whose answers have not begun, in the order of the answers. */
  pending: Pending[]
  /** Whether an answer has begun and not ended. */
  isAnswering: boolean
  /** Whether the gateway waits for the upstream, and not for the client. */
  isReading: boolean
  /** Quarters of the idle timeout since the last message of the upstream. */
  idleTicks: number
  /** Whether the socket has reached its longest lifetime, so that no further message is taken. */
  isExpired: boolean
}

/** Whether an answer is under way or due. */
export function isBusy({ isAnswering, pending, preparing }: Session): boolean {
  return isAnswering || pending.length > 0 || preparing !== undefined
}

/**
 * Sends the `error` event of an API error to the client and logs it.
 *
 * @param cause what was thrown; a fault of cfile becomes `internal_error`
 */
export async function sendError(session: Session, cause: unknown): Promise<void> {
  const { gateway, request, client } = session
  if (client.ended !== undefined) return
  const error = toCfileError(cause)
  gateway.log(error.status < 500 ? 'info' : 'error', error.message, {
    request_id: request.exchange.requestId,
    code: error.code,
    cause: error.cause === undefined ? undefined : String(error.cause),
  })
  const body = toErrorBody(error, request.exchange.requestId)
  await client.send(JSON.stringify({ type: 'error', status: error.status, ...body }))
}

/**
 * Ends all answers that are under way or due with one `error` event. The event is not waited for, because the client
 * may have stopped reading.
 *
 * @param cause why the answers end
 */
export function failAnswers(session: Session, cause: unknown): void {
  session.pending = []
  session.isAnswering = false
  sendError(session, cause).catch(() => {})
}

/** The error for an upstream that stops sending in the middle of its answer. */
export function idleUpstream(): CfileError {
  return new CfileError(
    'upstream_timeout',
    'The upstream stopped sending in the middle of its answer.',
    { hint: 'CFILE_STREAM_IDLE_TIMEOUT_MS sets the longest pause.' },
  )
}

/** The error for an upstream that closes its socket before the answer is complete. */
export function brokenAnswer({ code, reason }: SocketEnd): CfileError {
  const why = reason === '' ? '' : `: ${reason}`
  return new CfileError(
    'upstream_error',
    `The upstream closed the WebSocket before its answer was complete (code ${code}${why}).`,
    { hint: 'Open a new socket and send the message again.' },
  )
}

/** The error for a message that is not text. */
export function notText(): CfileError {
  return new CfileError(
    'invalid_request',
    'The message is not text; send each message as one JSON object.',
  )
}

/** The error for a message of a type that is not sent on. */
export function unknownType(): CfileError {
  const types = [...socketMessages].map((type) => JSON.stringify(type)).join(' or ')
  return new CfileError('invalid_request', `The "type" of the message is not ${types}.`, {
    param: 'type',
    hint: 'With caller auth, only messages of these types are sent on.',
  })
}

/** The error for a message that names something of another upstream. */
export function otherUpstream(): CfileError {
  return new CfileError(
    'invalid_request',
    'The message names something that lives in another upstream than the one of this socket; open another socket for it.',
  )
}

/** Code and reason of a socket that has reached its longest lifetime. */
export const lifetimeEnd: SocketEnd = {
  code: 1001,
  reason: 'The socket was open for 60 minutes, the longest time; open a new one.',
}

/** The `error` event for a socket that has reached its longest lifetime, as Azure sends it. */
export function lifetimeEvent(requestId: string): string {
  return JSON.stringify({
    type: 'error',
    status: 400,
    error: {
      type: 'invalid_request_error',
      code: 'websocket_connection_limit_reached',
      message: lifetimeEnd.reason,
      param: null,
      request_id: requestId,
    },
  })
}

/** Code and reason for the client when the upstream has closed. */
export function endOf(ended: SocketEnd | undefined): SocketEnd {
  if (ended?.code === 1009) {
    const most = mostMessageBytes / 1024 ** 2
    return { code: 1011, reason: `The upstream sent a message of more than ${most} MiB.` }
  }
  if (ended === undefined || ended.code === 1006) {
    return { code: 1011, reason: 'The upstream broke the connection.' }
  }
  return ended
}

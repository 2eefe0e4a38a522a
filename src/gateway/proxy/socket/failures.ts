/**
 * Errors of the Responses API over WebSocket, which the client gets as `error` events.
 *
 * @module
 */

import { CfileError, isCfileError } from '../../../core/errors.ts'
import { mostMessageBytes, type SocketEnd } from '../../../core/sockets/socket.ts'

/** An error as the client may see it. A fault of cfile becomes `internal_error`. */
export function toFailure(cause: unknown): CfileError {
  if (isCfileError(cause)) return cause
  return new CfileError('internal_error', 'Something went wrong here; the log has the cause.', {
    cause,
  })
}

/** The error for an upstream that stops in the middle of its answer. */
export function silent(): CfileError {
  return new CfileError(
    'upstream_timeout',
    'The upstream stopped sending in the middle of its answer.',
    {
      hint: 'CFILE_STREAM_IDLE_TIMEOUT_MS sets the longest pause.',
    },
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

/** The error for a message that names something of another upstream. */
export function otherUpstream(): CfileError {
  return new CfileError(
    'invalid_request',
    'The message names something that lives in another upstream than the one of this socket; open another socket for it.',
  )
}

/** Code and reason of a socket that has reached its longest life. */
export const lifeOver: SocketEnd = {
  code: 1001,
  reason: 'The socket was open for 60 minutes, the longest time; open a new one.',
}

/** The `error` event for a socket that has reached its longest life, as Azure sends it. */
export function lifeOverEvent(requestId: string): string {
  return JSON.stringify({
    type: 'error',
    status: 400,
    error: {
      type: 'invalid_request_error',
      code: 'websocket_connection_limit_reached',
      message: lifeOver.reason,
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

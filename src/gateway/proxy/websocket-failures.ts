/**
 * Errors of the Responses API over WebSocket, which the client gets as `error` events.
 *
 * @module
 */

import { CfileError, isCfileError } from '../../core/errors.ts'

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

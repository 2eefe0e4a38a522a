/**
 * Errors for requests that failed without a usable answer.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import { HandshakeRefused } from '../core/sockets/socket.ts'
import { upstreamAnswer } from './errors.ts'

/** Converts a refused handshake; `undefined` for any other error. */
export function asRefusal(error: unknown): CfileError | undefined {
  if (!(error instanceof HandshakeRefused)) return undefined
  const isAuth = error.status === 401 || error.status === 403
  return new CfileError(
    isAuth ? 'upstream_auth' : 'upstream_error',
    `The upstream refused the WebSocket with status ${error.status}.`,
    { hint: 'Send the same request by POST to see the reason.', cause: error },
  )
}

/** The error for a redirect, which is never followed. */
export function redirected(answer: Response): CfileError {
  return new CfileError(
    'upstream_invalid',
    'The upstream answered with a redirect, which was not followed.',
    {
      hint: 'AZURE_OPENAI_ENDPOINT must be the resource itself, not something that forwards to it.',
      upstream: upstreamAnswer(answer),
    },
  )
}

/**
 * Converts any failure to reach the upstream.
 *
 * @param isLate whether the time limit ended the request
 */
export function asFailure(error: unknown, isLate: boolean): unknown {
  if (error instanceof CfileError) return error
  if (isLate) {
    return new CfileError('upstream_timeout', 'The upstream did not answer in time.', {
      hint: 'CFILE_UPSTREAM_TIMEOUT_MS and CFILE_GENERATION_TIMEOUT_MS set how long it may take.',
      cause: error,
    })
  }
  return new CfileError('upstream_error', 'The upstream could not be reached.', {
    hint: 'Check AZURE_OPENAI_ENDPOINT, and that this machine may connect to it: name resolution, firewall, private endpoint.',
    cause: error,
  })
}

/** The error for a part of a coded body that the request did not ask for. */
export function codedPart(answer: Response): CfileError {
  return new CfileError('upstream_invalid', 'The upstream sent a part that was not asked for.', {
    upstream: upstreamAnswer(answer),
  })
}

/**
 * The errors of bodies that do not arrive whole.
 *
 * @module
 */

import { CfileError, isCfileError } from '../errors.ts'

/** The bytes of a copy in the archive are not those that were copied: too few, others, or none. */
export class DamagedCopy extends Error {
  override readonly name = 'DamagedCopy'
}

/** Whether a read failed because nothing came in time. */
export function isSilence(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === 'TimeoutError'
}

/** Gives the failed read of an upstream's body a code: `upstream_timeout` for silence, else `upstream_error`. */
export function brokenOff(cause: unknown): CfileError {
  if (isCfileError(cause)) return cause
  return isSilence(cause)
    ? new CfileError('upstream_timeout', 'The upstream fell silent in the middle of its answer.', {
        hint: 'CFILE_IDLE_TIMEOUT_MS sets how long it may, and CFILE_GENERATION_TIMEOUT_MS for what a model answers.',
        cause,
      })
    : new CfileError('upstream_error', 'The upstream broke off in the middle of its answer.', {
        hint: 'Ask again.',
        cause,
      })
}

/** Gives the failed read of a request's body the code `invalid_request` for silence; returns any other error as it is. */
export function stopped(cause: unknown, idleMs: number): unknown {
  if (!isSilence(cause)) return cause
  return new CfileError(
    'invalid_request',
    `The body of the request stopped coming: nothing came for ${idleMs} ms.`,
    {
      hint: 'Send the request again. CFILE_IDLE_TIMEOUT_MS sets how long a body may pause.',
      // The rest of the body is still to come, so no other request can follow on this connection.
      headers: { connection: 'close' },
      cause,
    },
  )
}

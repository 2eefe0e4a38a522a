/**
 * How transfers end: bodies that do not arrive whole, requests that were never sent, and the outcome of a delivery.
 *
 * @module
 */

import { CfileError, isCfileError } from '../errors.ts'

/** The bytes of a copy in the archive are not those that were copied: too few, others, or none. */
export class DamagedCopy extends Error {
  override readonly name = 'DamagedCopy'
}

/**
 * Whether a read failed because nothing came in time.
 *
 * @param cause of a failed read; only a `TimeoutError` is silence
 */
export function isSilence(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === 'TimeoutError'
}

/**
 * Gives the failed read of an upstream's body a code: `upstream_timeout` for silence, else `upstream_error`.
 *
 * @param cause of the failed read; a CfileError is returned as it is
 */
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

/**
 * Gives the failed read of a request's body the code `invalid_request` for silence; returns any other error as it is.
 *
 * @param cause of the failed read
 * @param idleMs time limit that was exceeded, for the message
 */
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

const refusals = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'ConnectionRefused',
  'FailedToOpenSocket',
])

// Deno and workerd report it only in the message.
const refusal = /connection refused|dns error|failed to lookup address|ECONNREFUSED/i

/**
 * Whether no connection was made, by the errors and causes of Node, Bun, Deno and workerd.
 *
 * @param error that `fetch` or a socket threw
 * @param depth number of causes that were followed
 */
export function wasNeverSent(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > 8) return false
  const { code, message, cause } = error as Record<string, unknown>
  if (typeof code === 'string' && refusals.has(code)) return true
  if (typeof message === 'string' && refusal.test(message)) return true
  return wasNeverSent(cause, depth + 1)
}

/**
 * `done`: complete. `client_left`: the client closed the connection. `cut_slow`: the client read nothing for too long.
 * `upstream_broke`: the rest could not be read.
 */
export type Outcome = 'done' | 'client_left' | 'cut_slow' | 'upstream_broke'

/** The reason for ending the body of a client that reads nothing. */
export class SlowReaderError extends Error {
  constructor(idleTimeoutMs: number) {
    super(`nothing was taken for ${idleTimeoutMs} ms`)
    this.name = 'TimeoutError'
  }
}

/**
 * The outcome for a body that was cancelled with a reason.
 *
 * @param reason that was given to `cancel`
 */
export function outcomeOfCancel(reason: unknown): Outcome {
  return reason instanceof SlowReaderError ? 'cut_slow' : 'client_left'
}

/**
 * The outcome for a body whose read failed.
 *
 * @param error that a read threw
 */
export function outcomeOfFailure(error: unknown): Outcome {
  return error instanceof SlowReaderError ? 'cut_slow' : 'upstream_broke'
}

/** Called once at the end of a body, with the number of bytes sent. */
export type OnBodyEnd = (bytes: number, outcome: Outcome) => void

const passing: readonly unknown[] = [
  'upstream_error',
  'upstream_timeout',
  'upstream_throttled',
  // The archive's. The upstream may have the rest.
  'not_ready',
]

/**
 * Whether to open the file again can't help.
 *
 * @param error that broke the transfer off
 */
export function isFinal(error: unknown): boolean {
  return isCfileError(error) && !passing.includes(error.code)
}

/** The error for a file that has changed during its download. */
export function otherFile(message: string): CfileError {
  return new CfileError('upstream_invalid', message, { hint: 'Download the file again.' })
}

/** The error for a body that ended before the byte `end`. */
export function endedEarly(at: number, end: number): RangeError {
  return new RangeError(`The body ended at byte ${at} of ${end}.`)
}

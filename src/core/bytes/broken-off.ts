/**
 * What is told of a body that did not come whole.
 *
 * @module
 */

import { CfileError, isCfileError } from '../errors.ts'

/** Names the failure of a read: `upstream_timeout` for silence, `upstream_error` for anything else that has no code yet. */
export function brokenOff(cause: unknown): CfileError {
  if (isCfileError(cause)) return cause
  const isSilence = cause instanceof DOMException && cause.name === 'TimeoutError'
  return isSilence
    ? new CfileError('upstream_timeout', 'The upstream fell silent in the middle of its answer.', {
        hint: 'CFILE_IDLE_TIMEOUT_MS sets how long it may, and CFILE_GENERATION_TIMEOUT_MS for what a model answers.',
        cause,
      })
    : new CfileError('upstream_error', 'The upstream broke off in the middle of its answer.', {
        hint: 'Ask again.',
        cause,
      })
}

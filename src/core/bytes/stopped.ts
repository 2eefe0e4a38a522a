/**
 * The failure of a request body that stopped coming.
 *
 * @module
 */

import { CfileError } from '../errors.ts'

/** Names the failure of a request body's read: `invalid_request` for silence; anything else is handed back as it is. */
export function stopped(cause: unknown, idleMs: number): unknown {
  const isSilence = cause instanceof DOMException && cause.name === 'TimeoutError'
  if (!isSilence) return cause
  return new CfileError(
    'invalid_request',
    `The body of the request stopped coming: nothing came for ${idleMs} ms.`,
    {
      hint: 'Send the request again. CFILE_IDLE_TIMEOUT_MS sets how long a body may pause.',
      // The rest of the body is still to come, so that no other request can follow.
      headers: { connection: 'close' },
      cause,
    },
  )
}

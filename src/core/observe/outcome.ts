/**
 * How the delivery of a body to a client ended.
 *
 * @module
 */

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

/** The outcome for a body that was cancelled with a reason. */
export function outcomeOfCancel(reason: unknown): Outcome {
  return reason instanceof SlowReaderError ? 'cut_slow' : 'client_left'
}

/** The outcome for a body whose read failed. */
export function outcomeOfFailure(error: unknown): Outcome {
  return error instanceof SlowReaderError ? 'cut_slow' : 'upstream_broke'
}

/** Called once at the end of a body, with the number of bytes sent. */
export type OnBodyEnd = (bytes: number, outcome: Outcome) => void

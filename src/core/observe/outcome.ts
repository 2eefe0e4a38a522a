/**
 * How a body on its way to a client ended.
 *
 * @module
 */

/**
 * `done`: with its last byte; `client_left`: the client did not want the rest; `cut_slow`: the client took nothing for
 * too long; `upstream_broke`: the rest could not be had.
 */
export type Outcome = 'done' | 'client_left' | 'cut_slow' | 'upstream_broke'

/** Why the body of a reader who takes nothing is broken off. */
export class SlowReaderError extends Error {
  constructor(idleTimeoutMs: number) {
    super(`nothing was taken for ${idleTimeoutMs} ms`)
    this.name = 'TimeoutError'
  }
}

/** The outcome where the reader gave the body up for a reason. */
export function outcomeOfCancel(reason: unknown): Outcome {
  return reason instanceof SlowReaderError ? 'cut_slow' : 'client_left'
}

/** The outcome where a read failed. */
export function outcomeOfFailure(error: unknown): Outcome {
  return error instanceof SlowReaderError ? 'cut_slow' : 'upstream_broke'
}

/** Is told once how many bytes a body had when it ended. */
export type OnBodyEnd = (bytes: number, outcome: Outcome) => void

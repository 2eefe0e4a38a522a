/**
 * Ids in Azure's form: hex digits that begin with the time.
 *
 * @module
 */

/** Returns the given number of random bytes. */
export type Random = (bytes: number) => Uint8Array

/** Creates ids. `time` is in unix seconds. */
export interface Ids {
  hex(digits: number): string
  uuid(): string
  /** `cntr_` with 48 digits, `cfile_` with 32. The first 8 digits are the time. */
  timed(prefix: string, digits: number, time: number): string
  /** `resp_`, `msg_`, `ci_` and others with 50 digits: 16 shared by all ids of an answer, `00`, the time, 24 more. */
  ofAnswer(prefix: string, shared: string, time: number): string
  /** `assistant-` with 22 letters and digits, as in the Files API. */
  upload(): string
}

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Creates ids from random bytes. */
export function createIds(random: Random): Ids {
  const hex = (digits: number): string =>
    Array.from(random(Math.ceil(digits / 2)), (byte) => byte.toString(16).padStart(2, '0'))
      .join('')
      .slice(0, digits)
  const timed = (digits: number, time: number): string =>
    time.toString(16).padStart(8, '0') + hex(digits - 8)
  return {
    hex,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`,
    timed: (prefix, digits, time) => `${prefix}_${timed(digits, time)}`,
    ofAnswer: (prefix, shared, time) => `${prefix}_${shared}00${timed(32, time)}`,
    upload: () =>
      `assistant-${Array.from(random(22), (byte) => alphabet[byte % alphabet.length]).join('')}`,
  }
}

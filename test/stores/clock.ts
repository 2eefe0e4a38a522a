/**
 * A clock for stores that are told the time.
 */

/** A clock that stands still until it is moved; in unix seconds. */
export function testClock(): { now: () => number; advance: (seconds: number) => void } {
  // From the real time on: an engine that ends values by its own clock must not find them in the past.
  let time = Math.floor(Date.now() / 1000)
  return {
    now: () => time,
    advance(seconds) {
      time += seconds
    },
  }
}

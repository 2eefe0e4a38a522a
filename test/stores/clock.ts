/** A clock for stores. */

/** A clock in unix seconds that moves only on request. */
export function testClock(): { now: () => number; advance: (seconds: number) => void } {
  // Starts at the real time, because some engines expire values by their own clock.
  let time = Math.floor(Date.now() / 1000)
  return {
    now: () => time,
    advance(seconds) {
      time += seconds
    },
  }
}

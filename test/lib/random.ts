/**
 * Makes a generator of numbers from 0 to 1 that gives the same ones for the same seed (xorshift32).
 *
 * @see https://www.jstatsoft.org/article/view/v008i14
 */
export function xorshift(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/**
 * Makes inputs of the fuzzer from those that it has.
 */

import { type Input, toInput, toText } from './corpus.ts'

// Long inputs are slow, and reach little that short ones don't.
const longestInput = 2048
const odd = [0, 9, 10, 13, 32, 34, 37, 39, 45, 58, 92, 123, 125, 127, 128, 0xc3, 0xed, 0xef, 255]

function below(end: number): number {
  return Math.floor(Math.random() * end)
}

function pick<T>(list: readonly T[]): T {
  return list[below(list.length)] as T
}

/** One of the inputs, a short one more often. */
function pickShort(corpus: readonly Input[]): Input {
  const [one, other] = [pick(corpus), pick(corpus)]
  return one.length < other.length ? one : other
}

/** Tokens that the grammar of a target has: those of its seeds. */
export function tokensOf(inputs: readonly Input[]): Input[] {
  const found = inputs.flatMap((input) => toText(input).match(/\w+|[^\w\s]+|\s+/g) ?? [])
  return [...new Set(found)].map(toInput)
}

/** One of the inputs after a few random changes. */
export function mutate(corpus: readonly Input[], tokens: readonly Input[]): Input {
  let bytes = Buffer.from(pickShort(corpus))
  for (let times = 1 + below(5); times > 0; times -= 1) {
    const at = below(bytes.length + 1)
    const end = at + below(9)
    const other = pick(corpus)
    const from = below(other.length)
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
    const middle = pick<() => Uint8Array>([
      () => Uint8Array.of(pick(odd)),
      () => Uint8Array.of(below(256)),
      () => pick(tokens),
      () => pick(tokens),
      () => bytes.subarray(at, end),
      () => other.subarray(from, from + below(60)),
    ])()
    const rest = pick([after, bytes.subarray(end), after.subarray(middle.length)])
    bytes = Buffer.concat([before, middle, rest])
  }
  return new Uint8Array(bytes.subarray(0, longestInput))
}

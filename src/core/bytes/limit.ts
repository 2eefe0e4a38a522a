/**
 * Transforms that hold a stream to a length.
 *
 * @module
 */

import type { ByteRange } from '../http/range.ts'

/** Passes every byte, and fails unless there are exactly `bytes` of them. */
export function exactLength(bytes: number): TransformStream<Uint8Array, Uint8Array> {
  let left = bytes
  return new TransformStream({
    transform(chunk, controller) {
      left -= chunk.byteLength
      if (left < 0) throw new RangeError(`The body is longer than the ${bytes} bytes announced.`)
      controller.enqueue(chunk)
    },
    flush() {
      if (left > 0) throw new RangeError(`The body ended ${left} bytes short of ${bytes}.`)
    },
  })
}

/**
 * Passes at most `bytes` bytes, and fails with the error of `refuse` at the first one more.
 *
 * @param refuse creates the error
 */
export function atMost(
  bytes: number,
  refuse: () => unknown,
): TransformStream<Uint8Array, Uint8Array> {
  let left = bytes
  return new TransformStream({
    transform(chunk, controller) {
      left -= chunk.byteLength
      if (left < 0) throw refuse()
      controller.enqueue(chunk)
    },
  })
}

/** Passes the bytes of a range and drops the others, for services that answer a request for a range with the whole. */
export function cutStream({ start, end }: ByteRange): TransformStream<Uint8Array, Uint8Array> {
  let at = 0
  return new TransformStream({
    transform(chunk, controller) {
      const part = chunk.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at))
      at += chunk.byteLength
      if (part.byteLength > 0) controller.enqueue(part)
      if (at > end) controller.terminate()
    },
  })
}

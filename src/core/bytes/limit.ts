/**
 * Streams that break rather than have too few or too many bytes.
 *
 * @module
 */

/** Passes every byte and errors unless there are exactly `bytes` of them. */
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

/** Passes at most `bytes` of them, and errors with what it is given at the first that is too many. */
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

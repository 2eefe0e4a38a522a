/**
 * A part of a stream, for services that answer a request for a range with the whole.
 *
 * @module
 */

import type { ByteRange } from '../http/range.ts'

/** Passes the bytes of the range and drops the others. */
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

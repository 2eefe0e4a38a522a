/**
 * Cuts a stream into parts of one size, for services that accept large bodies only in parts.
 *
 * @module
 */

/** Reads a stream in parts. */
export interface PartReader {
  /** Reads exactly `size` bytes, or fewer at the end of the stream, or none after it. */
  read(size: number): Promise<Uint8Array<ArrayBuffer>>
  /** Cancels the stream and discards the rest. */
  cancel(reason?: unknown): Promise<void>
}

/** Creates a reader. It never reads more of the stream than the requested part. */
export function readParts(body: ReadableStream<Uint8Array>): PartReader {
  return readBytes(body) ?? readChunks(body)
}

/** Lets the stream fill the part itself, which saves workerd a call into JavaScript for each chunk. */
function readBytes(body: ReadableStream<Uint8Array>): PartReader | undefined {
  const reader = byteReader(body)
  return (
    reader && {
      async read(size) {
        let buffer = new ArrayBuffer(size)
        let filled = 0
        while (filled < size) {
          const { done, value } = await reader.read(new Uint8Array(buffer, filled))
          if (value === undefined) return new Uint8Array()
          buffer = value.buffer
          if (done) break
          filled += value.byteLength
        }
        return new Uint8Array(buffer, 0, filled)
      },
      cancel: (reason) => reader.cancel(reason),
    }
  )
}

function byteReader(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return body.getReader({ mode: 'byob' })
  } catch (error) {
    if (error instanceof TypeError && !body.locked) return undefined
    throw error
  }
}

function readChunks(body: ReadableStream<Uint8Array>): PartReader {
  const reader = body.getReader()
  let rest = new Uint8Array()
  return {
    async read(size) {
      const part = new Uint8Array(size)
      let filled = 0
      while (filled < size) {
        if (rest.byteLength === 0) {
          const { done, value } = await reader.read()
          if (done) break
          rest = value as Uint8Array<ArrayBuffer>
        }
        const taken = rest.subarray(0, size - filled)
        part.set(taken, filled)
        filled += taken.byteLength
        rest = rest.subarray(taken.byteLength)
      }
      return part.subarray(0, filled)
    },
    cancel: (reason) => reader.cancel(reason),
  }
}

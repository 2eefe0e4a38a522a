/**
 * Cuts a stream into parts of one size, for services that accept large bodies only in parts, and limits the bytes that
 * simultaneous uploads hold in memory.
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

/**
 * Creates a reader. It never reads more of the stream than the requested part.
 *
 * @param body is locked until `cancel`
 */
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

/**
 * A reader that fills a buffer of the caller; `undefined` if the body is no byte stream.
 *
 * @throws TypeError if the body is locked
 */
function byteReader(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return body.getReader({ mode: 'byob' })
  } catch (error) {
    if (error instanceof TypeError && !body.locked) return undefined
    throw error
  }
}

/** Copies chunks into parts. The rest of a chunk is kept for the next part. */
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

/** A shared number of bytes. */
interface Budget {
  /**
   * Takes bytes as soon as enough are free, in the order of the calls. A request above the total takes the total.
   *
   * @returns a function that gives the bytes back
   * @throws the signal's reason
   */
  take(bytes: number, signal?: AbortSignal): Promise<() => void>
}

interface Waiting {
  readonly bytes: number
  readonly start: () => void
}

/**
 * Creates a budget.
 *
 * @param total in bytes
 * @returns a budget that serves requests in their order, so that a large one does not starve
 */
export function createBudget(total: number): Budget {
  let free = total
  const queue: Waiting[] = []

  function startNext(): void {
    for (let next = queue[0]; next !== undefined && next.bytes <= free; next = queue[0]) {
      queue.shift()
      free -= next.bytes
      next.start()
    }
  }

  function giveBackOnce(bytes: number): () => void {
    let isTaken = true
    return () => {
      if (isTaken) free += bytes
      isTaken = false
      startNext()
    }
  }

  return {
    take(wanted, signal) {
      const bytes = Math.min(wanted, total)
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          queue.splice(queue.indexOf(waiting), 1)
          reject(signal?.reason)
          startNext()
        }
        const waiting: Waiting = {
          bytes,
          start() {
            signal?.removeEventListener('abort', leave)
            resolve(giveBackOnce(bytes))
          },
        }
        if (signal?.aborted) return reject(signal.reason)
        signal?.addEventListener('abort', leave, { once: true })
        queue.push(waiting)
        startNext()
      })
    },
  }
}

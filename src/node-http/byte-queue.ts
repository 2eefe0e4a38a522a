/**
 * The one queue between the upstream's socket and the client's.
 *
 * @module
 */

import type { Socket } from 'node:net'
import type { ByteReader } from '../core/bytes/reader.ts'

/** Reads the sockets to the upstreams. */
export interface Inflow {
  /** Options of a socket that is read so. */
  readonly options: object
  /** Begins a body on the socket whose bytes are being taken; returns `undefined` if the bytes come from elsewhere. */
  begin(): Socket | undefined
  /** Stops a socket until it is resumed. */
  stop(socket: Socket | undefined): void
  /** Ends the body on a socket, which then is read for the next answer. */
  end(socket: Socket): void
}

const readBytes = 64 * 1024

/**
 * Reads all sockets into the same memory. A buffer for each read would wait as long as its client, and the collector finds
 * buffers that have waited only late.
 */
export function createInflow(): Inflow {
  let current: Socket | undefined
  let isStopped = false
  const inBody = new WeakSet<Socket>()
  function take(this: Socket, length: number, memory: Uint8Array): boolean {
    current = this
    isStopped = false
    const bytes = memory.subarray(0, length)
    // undici keeps the bytes of a head, which may come in several reads, but none of a body.
    this.push(inBody.has(this) ? bytes : Buffer.from(bytes))
    // At once, since the next read overwrites the memory.
    this.emit('readable')
    current = undefined
    if (this.readableLength === 0) return !isStopped
    // Nobody reads at the moment. The next reader starts the socket again.
    this.unshift(Buffer.from(this.read()))
    return false
  }
  return {
    options: { onread: { buffer: Buffer.allocUnsafeSlow(readBytes), callback: take } },
    begin() {
      if (current !== undefined) inBody.add(current)
      return current
    },
    stop(socket) {
      if (socket === current) isStopped = true
      socket?.pause()
    },
    end(socket) {
      inBody.delete(socket)
      socket.resume()
    },
  }
}

/** The bytes of an answer, between the upstream's socket and the client's. */
export interface ByteQueue {
  readonly bytes: ByteReader
  /** Adds a copy of some bytes. */
  write(chunk: Uint8Array): void
  /** Ends the bytes, or breaks them with an error. */
  end(error?: unknown): void
}

// Bytes that wait for the client. With more of them the upstream's socket is stopped.
const mostHeld = 32 * 1024
// A TLS socket gives up to a read and a record of 16 KB before it stops.
const mostBytes = readBytes + 16 * 1024

/** Makes a queue in one piece of memory. A read takes all of its bytes, and the next read empties it. */
export function createByteQueue(inflow: Inflow, abort: (reason: unknown) => void): ByteQueue {
  let memory = new Uint8Array()
  let length = 0
  let isTaken = false
  // Only while its bytes are those of this answer.
  let socket: Socket | undefined
  let wake: (() => void) | undefined
  let ending: { readonly error?: unknown } | undefined

  return {
    write(chunk) {
      socket ??= inflow.begin()
      const start = isTaken ? 0 : length
      length = start + chunk.byteLength
      if (isTaken || length > memory.byteLength) {
        // The reader still uses the memory that it took.
        const larger = allocate(start === 0 ? length : Math.max(length, mostBytes))
        larger.set(memory.subarray(0, start))
        memory = larger
      }
      memory.set(chunk, start)
      if (isTaken || length >= mostHeld) inflow.stop(socket)
      isTaken = false
      // The bytes of one turn of the event loop go out together.
      if (wake !== undefined) setImmediate(wake)
      wake = undefined
    },
    end(error) {
      ending ??= { error }
      if (socket !== undefined) inflow.end(socket)
      socket = undefined
      wake?.()
    },
    bytes: {
      async read() {
        if (isTaken) length = 0
        isTaken = false
        while (length === 0 && ending === undefined) {
          socket?.resume()
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
        if (length > 0) {
          inflow.stop(socket)
          isTaken = true
          return memory.subarray(0, length)
        }
        if (ending?.error !== undefined) throw ending.error
        return undefined
      },
      async cancel(reason) {
        length = 0
        if (ending === undefined) abort(reason)
      },
    },
  }
}

/** Allocates memory that is not cleared. The slice() of a Buffer would not copy. */
function allocate(bytes: number): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset } = Buffer.allocUnsafe(bytes)
  return new Uint8Array(buffer, byteOffset, bytes)
}

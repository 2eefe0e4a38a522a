/**
 * Writes an answer to a Node response. A body that breaks off breaks the connection, so that it never looks whole.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { isSilence, SlowReaderError } from '../core/bytes/failures.ts'
import { type IdleWatch, watchIdle } from '../core/bytes/limit.ts'
import { readBody } from '../core/bytes/reader.ts'
import { type Source, sourceOf } from './answer.ts'
import { PlainHeaders } from './headers.ts'

/** Writes an answer to a Node response: the head at once, and the body as it comes. */
export type Respond = (response: Response, outgoing: ServerResponse) => void

/** Creates what writes the answers of a server. */
export function createRespond(): Respond {
  const progressOf = createProgress()
  return (response, outgoing) => respond(response, outgoing, progressOf)
}

function respond(response: Response, outgoing: ServerResponse, progressOf: ProgressOf): void {
  const headers = PlainHeaders.plainOf(response.headers)
  outgoing.writeHead(response.status, headers)
  const source = sourceOf(response) ?? (response.body && { bytes: readBody(response) })
  if (source === null) {
    outgoing.end()
    return
  }
  if (outgoing.destroyed) {
    // The client has left, and no event will say so any more.
    source.bytes.cancel().catch(() => {})
    return
  }
  // A client that waits for the first event of a stream must not wait for the headers too.
  if (headers['content-length'] === undefined) outgoing.flushHeaders()
  void send(source, outgoing, progressOf)
}

async function send(
  { bytes, limit }: Source,
  outgoing: ServerResponse,
  progressOf: ProgressOf,
): Promise<void> {
  const taken = limitWaits(outgoing, limit, progressOf)
  outgoing.once('close', () => {
    taken.stop()
    bytes.cancel().catch(() => {})
  })
  // The body may break off while the client takes nothing, so while nothing is read.
  bytes.closed?.catch(() => breakOff(outgoing))
  const write = writerTo(outgoing)
  try {
    for (let piece = await bytes.read(); piece !== undefined; piece = await bytes.read()) {
      const left = write(piece)
      if (left !== undefined) await taken.wait(left)
    }
    const ended = new Promise<void>((resolve) => outgoing.once('finish', resolve))
    outgoing.end()
    if (outgoing.writableLength > 0) await taken.wait(ended)
  } catch (error) {
    if (error instanceof SlowReaderError) bytes.cancel(error).catch(() => {})
    // Any other error is in the log already.
    breakOff(outgoing)
  }
}

/** Waits for a client. */
interface LimitedWaits {
  /** Waits until bytes have left; throws where the client takes no byte for too long. */
  wait(left: Promise<void>): Promise<void>
  stop(): void
}

function limitWaits(
  outgoing: ServerResponse,
  limit: Source['limit'],
  progressOf: ProgressOf,
): LimitedWaits {
  // Made when it is first needed: most small answers wait for nothing.
  let idle: IdleWatch | undefined
  return {
    wait(left) {
      const step = orClosed(outgoing, left)
      if (limit === undefined) return step
      const { socket } = outgoing
      const { wait, idleMs } = limit
      // The signal of the watch is not for this wait, since it cancels one wait at a time.
      const age = () => wait(idleMs / 16)
      idle ??= watchIdle(wait, idleMs, async () => socket && progressOf(socket, age))
      return idle.watch(step).catch((error) => {
        throw isSilence(error) ? new SlowReaderError(limit.idleMs) : error
      })
    },
    stop: () => idle?.stop(),
  }
}

/** Resolves also when the client leaves: then the bytes are cancelled, and the next read ends the loop. */
function orClosed(outgoing: ServerResponse, left: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      outgoing.off('close', go)
      resolve()
    }
    outgoing.on('close', go)
    left.then(go)
    if (outgoing.destroyed) go()
  })
}

/** Cuts the connection after the bytes that were written: without any of them the client would not even see a status. */
function breakOff(outgoing: ServerResponse): void {
  const { socket, writableNeedDrain } = outgoing
  if (socket === null) {
    outgoing.destroy()
    return
  }
  socket.uncork()
  // A client that takes nothing never takes the end either.
  if (writableNeedDrain) socket.destroy()
  else socket.destroySoon()
}

// Smaller pieces are copied and gathered. Larger ones deserve a system call each.
const mostGathered = 4 * 1024

/**
 * Writes pieces, which may be overwritten after the next read.
 *
 * @returns a writer. If it returns a promise, the next read must wait for it.
 */
function writerTo(outgoing: ServerResponse): (piece: Uint8Array) => Promise<void> | undefined {
  let isGathering = false
  // Middleware such as Express's compression replaces `write`: it takes no callback, and uses the bytes later.
  const isWrapped = outgoing.write !== ServerResponse.prototype.write
  return (piece) => {
    // The socket gathers: the response would write its end before the pieces that it holds.
    const { socket } = outgoing
    const isSmall = piece.byteLength <= mostGathered
    if (!isSmall && !isWrapped) return writeAtOnce(outgoing, piece)
    if (!isGathering && socket !== null && isSmall) {
      isGathering = true
      socket.cork()
      setImmediate(() => {
        isGathering = false
        // The end of an answer uncorks, and then the connection may belong to the next one.
        if (!outgoing.writableEnded) socket.uncork()
      })
    }
    // Some middleware returns nothing, and then no `drain` follows.
    if (outgoing.write(Buffer.from(piece)) !== false) return undefined
    return new Promise((resolve) => outgoing.once('drain', resolve))
  }
}

/** Writes a piece. Returns a promise if the kernel has not taken all of it yet. */
function writeAtOnce(outgoing: ServerResponse, piece: Uint8Array): Promise<void> | undefined {
  const { socket } = outgoing
  let onLeft = (): void => {}
  // Without this cork the response itself would wait for the next tick.
  socket?.cork()
  outgoing.write(piece, () => onLeft())
  socket?.uncork()
  // A connection that has broken says so only in the next tick, which a body in memory would never let come.
  if (outgoing.writableLength === 0 && !socket?.destroyed) return undefined
  return new Promise((resolve) => {
    onLeft = resolve
  })
}

/**
 * Gives a value that changes while the client takes bytes. The kernel buffers up to 4 MB of a connection, and a socket that
 * waits can be written again only when a third of that is free: a slow client would look like one that stands still. So the
 * bytes that the client has not acknowledged count too, which Linux lists in `/proc/net/tcp`.
 *
 * @param age waits as long as a list counts for other clients too
 */
type ProgressOf = (socket: Socket, age: () => Promise<void>) => Promise<string>

/** All clients share a list for some time, since it names every connection of the machine. */
function createProgress(): ProgressOf {
  let list: Promise<Map<string, string>> | undefined
  const forget = (): void => {
    list = undefined
  }
  return async ({ bytesWritten, writableLength, localPort, remotePort }, age) => {
    if (list === undefined) age().then(forget, forget)
    list ??= listUnacknowledged()
    const unacknowledged = (await list).get(`${localPort} ${remotePort}`)
    return `${bytesWritten - writableLength} ${unacknowledged}`
  }
}

const connection = /^ *\d+: [\dA-F]+:([\dA-F]+) [\dA-F]+:([\dA-F]+) [\dA-F]+ ([\dA-F]+):/gm

/** The bytes that clients have not acknowledged, by the ports of both sides. Empty where the system lists none. */
async function listUnacknowledged(): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const name of ['tcp', 'tcp6']) {
    const text = await readFile(`/proc/net/${name}`, 'latin1').catch(() => '')
    for (const [, local, remote, bytes] of text.matchAll(connection)) {
      const ports = `${Number(`0x${local}`)} ${Number(`0x${remote}`)}`
      found.set(ports, `${found.get(ports) ?? ''} ${bytes}`)
    }
  }
  return found
}

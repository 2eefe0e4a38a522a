/**
 * An answer of the app, written to a Node response: what came from a socket goes to a socket, without a web stream
 * between. A body that breaks breaks the connection, and never looks whole.
 *
 * @module
 */

import type { ServerResponse } from 'node:http'
import type { ByteReader } from '../core/bytes/reader.ts'
import { readStream } from '../core/bytes/reader.ts'
import type { RawBody } from './raw-body.ts'
import { isRaw, underOf } from './response.ts'

/** Writes the head at once and the body as it comes. */
export function respond(response: Response, outgoing: ServerResponse): void {
  const headers = headersOf(response.headers)
  outgoing.writeHead(response.status, headers)
  const source = underOf(response) ?? (response.body && readStream(response.body))
  if (source === null) {
    outgoing.end()
    return
  }
  if (outgoing.destroyed) {
    // The client is gone, and no event will tell it any more.
    Promise.resolve(source.cancel()).catch(() => {})
    return
  }
  // Whoever waits for the first event of a stream must not wait for its headers too; what has a length goes out as one.
  if (headers['content-length'] === undefined) outgoing.flushHeaders()
  if (isRaw(source)) pipe(source, outgoing)
  else void pump(source, outgoing)
}

function headersOf(headers: Headers): Record<string, string | string[]> {
  const written: Record<string, string | string[]> = {}
  headers.forEach((value, name) => {
    written[name] = value
  })
  const cookies = headers.getSetCookie()
  if (cookies.length > 0) written['set-cookie'] = cookies
  return written
}

function pipe(body: RawBody, outgoing: ServerResponse): void {
  const resume = () => body.resume()
  outgoing.on('drain', resume)
  outgoing.once('close', () => body.cancel())
  body.flow({
    write: writerTo(outgoing),
    end: () => outgoing.end(),
    fail: () => breakOff(outgoing),
  })
}

async function pump(source: ByteReader, outgoing: ServerResponse): Promise<void> {
  outgoing.once('close', () => void source.cancel().catch(() => {}))
  // A body may break while its client takes nothing, and so nothing is read of it.
  source.closed?.catch(() => breakOff(outgoing))
  const write = writerTo(outgoing)
  try {
    for (let piece = await source.read(); piece !== undefined; piece = await source.read()) {
      if (!write(piece)) await drained(outgoing)
    }
    outgoing.end()
  } catch {
    // Whoever knows why has logged it; the client sees a connection that broke.
    breakOff(outgoing)
  }
}

/** Cuts the connection behind what was written: without any of it the client would not even see a status. */
function breakOff(outgoing: ServerResponse): void {
  const { socket, writableNeedDrain } = outgoing
  if (socket === null) {
    outgoing.destroy()
    return
  }
  socket.uncork()
  // Of a client that takes nothing the end would be waited for in vain.
  if (writableNeedDrain) socket.destroy()
  else socket.destroySoon()
}

// That of a TLS record (RFC 8446 §5.1): what comes from a plain socket is larger, and worth a call of its own.
const mostGathered = 16 * 1024

/**
 * Writes pieces so that the small ones of one turn of the event loop go out together: a call of the system for each would
 * cost more than its bytes.
 */
function writerTo(outgoing: ServerResponse): (piece: Uint8Array) => boolean {
  let isGathering = false
  return (piece) => {
    // The socket gathers, and not the response, which would write its end before what it holds.
    const { socket } = outgoing
    if (!isGathering && socket !== null && piece.byteLength <= mostGathered) {
      isGathering = true
      socket.cork()
      setImmediate(() => {
        isGathering = false
        // The end of an answer lets everything go, and then the connection may be the next one's.
        if (!outgoing.writableEnded) socket.uncork()
      })
    }
    return outgoing.write(piece)
  }
}

/** Resolves also when the client is gone: then the source was cancelled, and its next read ends the loop. */
function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      outgoing.off('drain', go)
      outgoing.off('close', go)
      resolve()
    }
    outgoing.on('drain', go)
    outgoing.on('close', go)
    if (outgoing.destroyed) go()
  })
}

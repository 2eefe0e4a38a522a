/**
 * WebSockets on Node, by the package `ws`; Bun and Deno open theirs to the upstream by it too.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import {
  type Connect,
  createInbox,
  cutReason,
  HandshakeRefused,
  mostMessageBytes,
  type Socket,
  sendableCode,
} from '../core/sockets/socket.ts'

/** Opens a socket with headers of ours; no redirect is followed, as the key would go along. */
export const connectSocket: Connect = (url, { headers, signal }) =>
  new Promise((resolve, reject) => {
    const target = new URL(url)
    target.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:'
    const socket = new WebSocket(target, {
      headers,
      maxPayload: mostMessageBytes,
      perMessageDeflate: false,
      followRedirects: false,
    })
    // Messages that come with the handshake must not be missed.
    const wrapped = wrapSocket(socket)
    const give = (): void => socket.terminate()
    signal?.addEventListener('abort', give, { once: true })
    socket.once('open', () => {
      signal?.removeEventListener('abort', give)
      resolve(wrapped)
    })
    socket.once('unexpected-response', (request, response) => {
      request.destroy()
      reject(new HandshakeRefused(response.statusCode ?? 0))
    })
    socket.once('error', reject)
  })

/** Accepts the sockets of one server. */
export interface SocketAcceptor {
  accept(
    req: IncomingMessage,
    raw: Duplex,
    head: Buffer,
    serve: (socket: Socket) => Promise<void>,
  ): void
}

/** Makes an acceptor. */
export function createAcceptor(): SocketAcceptor {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: mostMessageBytes,
    perMessageDeflate: false,
  })
  return {
    accept(req, raw, head, serve) {
      server.handleUpgrade(req, raw, head, (socket) => {
        serve(wrapSocket(socket)).catch(() => socket.terminate())
      })
    },
  }
}

/** Wraps a socket of `ws`: reading stops while a message waits, and sending waits for the kernel. */
function wrapSocket(socket: WebSocket): Socket {
  const inbox = createInbox({
    pause: () => isOpen(socket) && socket.pause(),
    resume: () => isOpen(socket) && socket.resume(),
  })
  socket.on('message', (data: Buffer, isBinary: boolean) =>
    inbox.put(isBinary ? data : data.toString()),
  )
  socket.on('close', (code, reason) => inbox.end({ code, reason: reason.toString() }))
  // A close follows each error; without a listener Node would end.
  socket.on('error', () => {})
  return {
    next: inbox.next,
    get ended() {
      return inbox.ended
    },
    send: (text) =>
      new Promise((resolve) => {
        if (isOpen(socket)) socket.send(text, () => resolve())
        else resolve()
      }),
    close({ code, reason }) {
      if (!isOpen(socket)) return
      // What waits unread would keep the other end's close frame from being seen.
      if (socket.isPaused) socket.resume()
      socket.close(sendableCode(code), cutReason(reason))
    },
  }
}

function isOpen({ readyState }: WebSocket): boolean {
  return readyState === WebSocket.OPEN
}

/**
 * WebSockets on Node, with the package `ws`. Bun and Deno use it for sockets to the upstream.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { HandshakeRefused } from '../core/errors.ts'
import {
  type Connect,
  createInbox,
  createSocketPair,
  cutReason,
  messageTooLarge,
  mostMessageBytes,
  type Socket,
  sendableCode,
} from '../core/http/websocket.ts'

// `ws` closes a socket for these reasons without saying them.
const reasons: Readonly<Record<number, string>> = {
  [messageTooLarge.code]: messageTooLarge.reason,
  1002: 'A frame does not follow RFC 6455.',
  1007: 'A text message is not valid UTF-8.',
}

/** A socket of `ws` that gives a reason when it refuses a message. Subclassing is the only way that `ws` offers. */
class ReasonedSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    super.close(code, reason ?? reasons[code ?? 0])
  }
}

/** Opens a socket with custom headers. Redirects are not followed, because the key would be sent along. */
export const connectSocket: Connect = (url, { headers, signal }) =>
  new Promise((resolve, reject) => {
    const target = new URL(url)
    target.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:'
    const socket = new ReasonedSocket(target, {
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
interface SocketAcceptor {
  accept(
    req: IncomingMessage,
    raw: Duplex,
    head: Buffer,
    serve: (socket: Socket) => Promise<void>,
  ): void
}

/** Creates an acceptor. */
export function createAcceptor(): SocketAcceptor {
  const server = new WebSocketServer({
    noServer: true,
    WebSocket: ReasonedSocket,
    maxPayload: mostMessageBytes,
    perMessageDeflate: false,
  })
  return {
    accept(req, raw, head, serve) {
      let isOpen = false
      server.handleUpgrade(req, raw, head, (socket) => {
        isOpen = true
        serve(wrapSocket(socket)).catch(() => socket.terminate())
      })
      // `ws` calls back at once, or refuses the handshake itself. The request has to end in both cases.
      if (!isOpen) serve(closedSocket()).catch(() => {})
    },
  }
}

/** A socket that was never open. */
function closedSocket(): Socket {
  const [socket] = createSocketPair()
  socket.close({ code: 1002, reason: '' })
  return socket
}

/** Wraps a socket of `ws`. Reading stops while a message waits, and sending waits for the kernel. */
function wrapSocket(socket: WebSocket): Socket {
  const inbox = createInbox({
    pause: () => isOpen(socket) && socket.pause(),
    resume: () => isOpen(socket) && socket.resume(),
  })
  socket.on('message', (data: Buffer, isBinary: boolean) =>
    inbox.put(isBinary ? data : data.toString()),
  )
  socket.on('close', (code, reason) => inbox.end({ code, reason: reason.toString() }))
  // A close follows each error. For a message that is too large it would say 1006.
  socket.on('error', (error: Error & { readonly code?: string }) => {
    if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') inbox.end(messageTooLarge)
  })
  return {
    next: inbox.next,
    signal: inbox.signal,
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
      // Messages that arrive during the closing handshake are not taken any more.
      inbox.end({ code, reason })
      // What waits unread would keep the other end's close frame from being seen.
      if (socket.isPaused) socket.resume()
      socket.close(sendableCode(code), cutReason(reason))
    },
  }
}

function isOpen({ readyState }: WebSocket): boolean {
  return readyState === WebSocket.OPEN
}

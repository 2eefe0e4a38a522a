/**
 * Entry point for Bun: `Bun.serve`; everything else is shared with Node.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import {
  createInbox,
  cutReason,
  type Inbox,
  mostMessageBytes,
  type Socket,
  sendableCode,
  tooManyWaiting,
  type UpgradeBindings,
} from './core/http/websocket.ts'
import { nodeHmac } from './node-http/hmac.ts'
import { refuseHost } from './node-http/refusal.ts'
import { connectSocket } from './node-http/websocket.ts'
import { type Env, type Platform, type Running, serveOn } from './start/serve.ts'
import { openStorage } from './start/server-storage.ts'

export type { Running } from './start/serve.ts'
export { openStorage } from './start/server-storage.ts'

/** The part of Bun's API that is used here. The published types would replace those of Node. */
declare const Bun: {
  readonly env: Env
  serve(options: {
    readonly hostname: string
    readonly port: number
    readonly idleTimeout: number
    readonly maxRequestBodySize: number
    fetch(request: Request, server: BunServer): Promise<Response | undefined>
    readonly websocket: {
      readonly maxPayloadLength: number
      open(socket: BunSocket): void
      message(socket: BunSocket, message: string | Uint8Array): void
      drain(socket: BunSocket): void
      close(socket: BunSocket, code: number, reason: string): void
    }
  }): { readonly port: number; stop(isAtOnce?: boolean): Promise<void> }
}

/** The server that `Bun.serve` passes to its handler. */
interface BunServer {
  upgrade(request: Request, options: { readonly data: SocketData }): boolean
}

/** The server side of a WebSocket in Bun. */
interface BunSocket {
  readonly data: SocketData
  /** Returns the number of bytes sent; 0: the socket is closed; -1: the message is queued. */
  send(text: string): number
  close(code: number, reason: string): void
}

/** State of one socket. */
interface SocketData {
  readonly serve: (socket: Socket) => Promise<void>
  readonly inbox: Inbox
  /** Called when the queue has been sent. */
  drained?: () => void
}

/**
 * Serves the app with settings from the environment. Without Azure settings it uses the built-in emulator.
 *
 * @throws CfileError `invalid_request` for a wrong setting; Bun's own error when the address cannot be used
 */
export function serve(env: Env = Bun.env): Promise<Running> {
  return serveOn(platform, env)
}

const websocket: Parameters<typeof Bun.serve>[0]['websocket'] = {
  maxPayloadLength: mostMessageBytes,
  open(socket) {
    socket.data.serve(wrapSocket(socket)).catch(() => socket.close(1011, ''))
  },
  message(socket, message) {
    const { inbox } = socket.data
    inbox.put(message)
    if (!inbox.isFull) return
    inbox.end(tooManyWaiting)
    socket.close(tooManyWaiting.code, tooManyWaiting.reason)
  },
  drain: ({ data }) => data.drained?.(),
  close({ data }, code, reason) {
    data.inbox.end({ code, reason })
    data.drained?.()
  },
}

/** Adapts Bun's callbacks to the interface of a socket. */
function wrapSocket(socket: BunSocket): Socket {
  const { data } = socket
  const { inbox } = data
  return {
    next: inbox.next,
    signal: inbox.signal,
    get ended() {
      return inbox.ended
    },
    async send(text) {
      if (inbox.ended !== undefined || socket.send(text) >= 0) return
      await new Promise<void>((resolve) => {
        data.drained = resolve
      })
    },
    close({ code, reason }) {
      if (inbox.ended !== undefined) return
      // Messages that arrive during the closing handshake are ignored.
      inbox.end({ code, reason })
      socket.close(sendableCode(code), cutReason(reason))
    },
  }
}

const platform: Platform = {
  runtime: () => ({ createHmac: nodeHmac, connect: connectSocket }),
  openStorage,
  readFile,
  loadEmulator: async () => (await import('./emulator/emulator.ts')).createEmulator,
  async listen({ host, port }, answer) {
    const server = Bun.serve({
      hostname: host,
      port,
      // The default is ten seconds, but a model that runs code sends nothing for minutes.
      idleTimeout: 0,
      // The default is 128 MB; the app has its own limit.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      async fetch(request, server) {
        const refused = refuseHost(request, crypto.randomUUID())
        if (refused !== undefined) return refused
        let isAccepted = false
        const upgrade: UpgradeBindings['upgrade'] = (serve) => {
          isAccepted = server.upgrade(request, { data: { serve, inbox: createInbox() } })
          return new Response(null, { status: isAccepted ? 200 : 400 })
        }
        const response = await answer(request, { upgrade })
        return isAccepted ? undefined : response
      },
      websocket,
    })
    return {
      port: server.port,
      close: () => server.stop(),
      cut: () => void server.stop(true),
    }
  },
}

/**
 * The door for Deno: `Deno.serve`, and everything else as on Node.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import type { UpgradeBindings } from './core/sockets/socket.ts'
import { webSocket } from './core/sockets/web-socket.ts'
import { nodeHmac } from './node-http/hmac.ts'
import { connectSocket } from './node-http/websocket.ts'
import { webRuntime } from './runtime.ts'
import { type Env, type Platform, type Running, serveOn } from './start/serve.ts'
import { openStorage } from './start/server-storage.ts'

export type { Running } from './start/serve.ts'
export { openStorage } from './start/server-storage.ts'

/** The part of Deno that is used here; its published types would replace Node's. */
declare const Deno: {
  readonly env: { toObject(): Env }
  serve(
    options: { readonly hostname: string; readonly port: number; onListen(): void },
    handler: (request: Request) => Response | Promise<Response>,
  ): { readonly addr: { readonly port: number }; shutdown(): Promise<void> }
  upgradeWebSocket(
    request: Request,
    options: { readonly idleTimeout: number },
  ): { readonly socket: WebSocket; readonly response: Response }
}

/**
 * Serves the app as the environment says; with no Azure settings at all, on the built-in emulator.
 *
 * @throws CfileError `invalid_request` for a setting that is wrong; Deno's error for an address that can't be listened on
 */
export function serve(env: Env = Deno.env.toObject()): Promise<Running> {
  return serveOn(platform, env)
}

function upgradeOf(request: Request): UpgradeBindings['upgrade'] {
  return (serve) => {
    // Deno would ping after 30 seconds of silence and close where no pong comes: a client may be slow, and code runs for minutes.
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 })
    const wrapped = webSocket(socket, webRuntime.wait)
    const fail = (): void => wrapped.close({ code: 1011, reason: '' })
    socket.addEventListener('open', () => void serve(wrapped).catch(fail))
    return response
  }
}

const platform: Platform = {
  runtime: () => ({ createHmac: nodeHmac, connect: connectSocket }),
  openStorage,
  readFile,
  loadEmulator: async () => (await import('./emulator/emulator.ts')).createEmulator,
  async listen({ host, port }, answer) {
    // Deno's own greeting would come before ours.
    const options = { hostname: host, port, onListen() {} }
    const server = Deno.serve(options, (request) =>
      answer(request, { upgrade: upgradeOf(request) }),
    )
    let cut = (): void => {}
    const isCut = new Promise<void>((resolve) => {
      cut = resolve
    })
    return {
      port: server.addr.port,
      close: () => Promise.race([server.shutdown(), isCut]),
      // A server that shuts down can't be told to break its connections; they end with the process.
      cut: () => cut(),
    }
  },
}

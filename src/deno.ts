/**
 * Entry point for Deno: `Deno.serve`; everything else is shared with Node.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import { denoCarrier } from './core/bytes/carrier.ts'
import { CfileError } from './core/errors.ts'
import { type UpgradeBindings, webSocket } from './core/http/websocket.ts'
import { nodeHmac } from './node-http/hmac.ts'
import { refuseHost } from './node-http/refusal.ts'
import { connectSocket } from './node-http/websocket.ts'
import { webRuntime } from './runtime.ts'
import { type Env, type Platform, type Running, serveOn } from './start/serve.ts'
import { openStorage } from './start/server-storage.ts'

export type { Running } from './start/serve.ts'
export { openStorage } from './start/server-storage.ts'

/** The part of Deno's API that is used here. The published types would replace those of Node. */
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
 * Serves the app with settings from the environment. Without Azure settings it uses the built-in emulator.
 *
 * @throws CfileError `invalid_request` for a wrong setting; Deno's own error when the address cannot be used
 */
export function serve(env: Env = Deno.env.toObject()): Promise<Running> {
  return serveOn(platform, env)
}

/** Creates the function that accepts the WebSocket of a request. */
function upgradeOf(request: Request): UpgradeBindings['upgrade'] {
  return (serve) => {
    const { socket, response } = upgradeWebSocket(request)
    const wrapped = webSocket(socket, webRuntime.wait)
    const fail = (): void => wrapped.close({ code: 1011, reason: '' })
    socket.addEventListener('open', () => void serve(wrapped).catch(fail))
    return response
  }
}

/** Accepts a WebSocket. @throws CfileError `invalid_request` for an incomplete handshake */
function upgradeWebSocket(request: Request): ReturnType<typeof Deno.upgradeWebSocket> {
  try {
    // By default Deno pings after 30 idle seconds and closes without a pong, which is too short for slow clients.
    return Deno.upgradeWebSocket(request, { idleTimeout: 0 })
  } catch (cause) {
    const message = 'The WebSocket handshake does not follow RFC 6455.'
    throw new CfileError('invalid_request', message, { cause })
  }
}

const platform: Platform = {
  runtime: () => ({
    createHmac: nodeHmac,
    connect: connectSocket,
    createCarrier: denoCarrier(Date.now),
  }),
  openStorage,
  readFile,
  loadEmulator: async () => (await import('./emulator/emulator.ts')).createEmulator,
  async listen({ host, port }, answer) {
    // An empty `onListen` turns off Deno's own message, since cfile prints one.
    const options = { hostname: host, port, onListen() {} }
    const server = Deno.serve(
      options,
      (request) =>
        refuseHost(request, crypto.randomUUID()) ??
        answer(request, { upgrade: upgradeOf(request) }),
    )
    let cut = (): void => {}
    const isCut = new Promise<void>((resolve) => {
      cut = resolve
    })
    return {
      port: server.addr.port,
      close: () => Promise.race([server.shutdown(), isCut]),
      // Deno cannot close the connections of a server that is shutting down; they end with the process.
      cut: () => cut(),
    }
  },
}

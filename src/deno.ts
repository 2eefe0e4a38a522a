/**
 * The door for Deno: `Deno.serve`, and everything else as on Node.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import { type Env, type Platform, type Running, serveOn } from './serving.ts'
import { openStorage } from './storage/server.ts'
import { nodeHmac } from './transport/hmac.ts'

export type { Running } from './serving.ts'
export { openStorage } from './storage/server.ts'

/** The part of Deno that is used here; its published types would replace Node's. */
declare const Deno: {
  readonly env: { toObject(): Env }
  serve(
    options: { readonly hostname: string; readonly port: number; onListen(): void },
    handler: (request: Request) => Response | Promise<Response>,
  ): { readonly addr: { readonly port: number }; shutdown(): Promise<void> }
}

/**
 * Serves the app as the environment says; with no Azure settings at all, on the built-in emulator.
 *
 * @throws CfileError `invalid_request` for a setting that is wrong; Deno's error for an address that can't be listened on
 */
export function serve(env: Env = Deno.env.toObject()): Promise<Running> {
  return serveOn(platform, env)
}

const platform: Platform = {
  runtime: () => ({ createHmac: nodeHmac }),
  openStorage,
  readFile,
  loadEmulator: async () => (await import('./emulator/emulator.ts')).createEmulator,
  async listen({ host, port }, answer) {
    // Deno's own greeting would come before ours.
    const options = { hostname: host, port, onListen() {} }
    const server = Deno.serve(options, (request) => answer(request))
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

/**
 * The door for Bun: `Bun.serve`, and everything else as on Node.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import { type Env, type Platform, type Running, serveOn } from './serving.ts'
import { openStorage } from './storage/server.ts'
import { nodeHmac } from './transport/hmac.ts'

export type { Running } from './serving.ts'
export { openStorage } from './storage/server.ts'

/** The part of Bun that is used here; its published types would replace Node's. */
declare const Bun: {
  readonly env: Env
  serve(options: {
    readonly hostname: string
    readonly port: number
    readonly idleTimeout: number
    readonly maxRequestBodySize: number
    fetch(request: Request): Response | Promise<Response>
  }): { readonly port: number; stop(isAtOnce?: boolean): Promise<void> }
}

/**
 * Serves the app as the environment says; with no Azure settings at all, on the built-in emulator.
 *
 * @throws CfileError `invalid_request` for a setting that is wrong; Bun's error for an address that can't be listened on
 */
export function serve(env: Env = Bun.env): Promise<Running> {
  return serveOn(platform, env)
}

const platform: Platform = {
  runtime: () => ({ createHmac: nodeHmac }),
  openStorage,
  readFile,
  loadEmulator: async () => (await import('./emulator/emulator.ts')).createEmulator,
  async listen({ host, port }, answer) {
    const server = Bun.serve({
      hostname: host,
      port,
      // Ten seconds by default, and a model that runs code is silent for minutes.
      idleTimeout: 0,
      // 128 MB by default; the app has a limit of its own.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (request) => answer(request),
    })
    return {
      port: server.port,
      close: () => server.stop(),
      cut: () => void server.stop(true),
    }
  },
}

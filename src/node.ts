/**
 * The door for Node: listens, reads the environment, and hands everything else to the app.
 *
 * @module
 */

import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Sha256 } from './archives/archive.ts'
import { CfileError } from './core/errors.ts'
import { isLoopback } from './core/loopback.ts'
import type { Hmac } from './core/signed-url.ts'
import { createEmulator } from './emulator/emulator.ts'
import { isEmulated, knowsCallers, openApp } from './open.ts'
import { parseEnv, type Settings } from './settings.ts'

/** Something that answers requests: a Hono app, for one. */
export interface Fetcher {
  fetch(request: Request, env?: object): Response | Promise<Response>
}

/**
 * Makes a handler for `node:http`, Express 4 and 5, or anything else that takes `(req, res)`.
 *
 * @example
 * express.use('/ai', toNodeHandler(createApp(options)))
 */
export function toNodeHandler(
  app: Fetcher,
): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  // The host's Request and Response are not ours to replace.
  return getRequestListener((request, bindings) => app.fetch(request, bindings), {
    overrideGlobalObjects: false,
  })
}

/** A server that {@link serve} started. */
export interface Running {
  /** Where it listens, without a slash at its end. */
  readonly url: string
  /** Whether it runs on the built-in emulator. */
  readonly emulated: boolean
  /** Stops accepting, lets the answers under way finish, and resolves when the last one is done. */
  close(): Promise<void>
}

/**
 * Serves the app as the environment says; with no Azure settings at all, on the built-in emulator.
 *
 * @throws CfileError `invalid_request` for a setting that is wrong
 */
export async function serve(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Running> {
  const settings = parseEnv(env)
  refuseToBeOpen(settings)
  const server = createServer()
  await listen(server, settings)
  const url = urlOf(server, settings)
  let closing = false
  const publicUrl = settings.publicUrl ?? url
  const app = openApp(settings, {
    publicUrl,
    isClosing: () => closing,
    createHmac: nodeHmac,
    createSha256: nodeSha256,
    emulator: createEmulator,
  })
  server.on(
    'request',
    getRequestListener((request, bindings) => app.fetch(request, bindings), {
      overrideGlobalObjects: false,
    }),
  )
  return {
    url,
    emulated: isEmulated(settings),
    close() {
      closing = true
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** Beyond loopback there are strangers: they get neither the emulator nor, unless it is meant, files without a key. */
function refuseToBeOpen(settings: Settings): void {
  const { host, allowAnonymous } = settings
  if (isLoopback(host)) return
  if (isEmulated(settings)) {
    throw new CfileError(
      'invalid_request',
      `HOST is ${host}, but the built-in emulator answers on loopback only: set AZURE_OPENAI_ENDPOINT, or HOST=127.0.0.1.`,
      { param: 'AZURE_OPENAI_ENDPOINT' },
    )
  }
  if (!allowAnonymous && !knowsCallers(settings)) {
    throw new CfileError(
      'invalid_request',
      `HOST is ${host}, where anybody could ask for files: set CFILE_API_KEYS or CFILE_JWKS_URL, or CFILE_ALLOW_ANONYMOUS=1 if that is meant, or HOST=127.0.0.1.`,
      { param: 'CFILE_ALLOW_ANONYMOUS' },
    )
  }
}

function nodeHmac(secret: Uint8Array): Hmac {
  return (text) => createHmac('sha256', secret).update(text).digest()
}

function nodeSha256(): Sha256 {
  const hash = createHash('sha256')
  return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest('hex') }
}

function listen(server: Server, { host, port }: Settings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function urlOf(server: Server, { host }: Settings): string {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/**
 * Entry point for Cloudflare Workers: opens the app with the vars, secrets and bindings of the Worker.
 *
 * @module
 */

import { waitUntil } from 'cloudflare:workers'
import type { ExecutionContext, Hono } from 'hono'
import { largePiecesCarrier } from './core/bytes/carrier.ts'
import { toHex } from './core/encoding.ts'
import { CfileError, HandshakeRefused, isCfileError, toErrorBody } from './core/errors.ts'
import { type Connect, type UpgradeBindings, webSocket } from './core/http/websocket.ts'
import { isLoopback } from './core/url.ts'
import { webRuntime } from './runtime.ts'
import { consoleLog } from './start/console-log.ts'
import { type DoorOptions, isEmulated, knowsCallers, openApp } from './start/open-app.ts'
import { noMachineIdentity } from './start/settings/azure.ts'
import { parseSettings, type Settings } from './start/settings/settings.ts'
import { storageTools } from './start/storage.ts'
import { openWorkerStorage } from './start/worker-storage.ts'

/** The bindings of the Worker: settings by their names, and bound stores. */
export type WorkerEnv = Readonly<Record<string, unknown>>

/** The handlers of a Worker. */
interface Worker {
  fetch(request: Request, env: WorkerEnv, context: ExecutionContext): Promise<Response>
  /** Called by the cron trigger of wrangler.toml. */
  scheduled(event: unknown, env: WorkerEnv): Promise<void>
}

// One app for each environment object. An isolate keeps its object, so the app keeps its caches.
const apps = new WeakMap<WorkerEnv, Promise<Hono>>()
const upkeeps = new WeakMap<WorkerEnv, () => Promise<void>>()

/**
 * Opens the app of an environment, or returns the one that is open.
 *
 * @param isDeployed whether it runs at Cloudflare and not in `wrangler dev`
 */
function openOnce(env: WorkerEnv, isDeployed: boolean): Promise<Hono> {
  const app = apps.get(env) ?? open(env, isDeployed)
  apps.set(env, app)
  // Every request gets the error of a wrong setting, and the next one tries again.
  app.catch(() => apps.delete(env))
  return app
}

/** Opens the app with the settings and bindings of the Worker. */
async function open(env: WorkerEnv, isDeployed: boolean): Promise<Hono> {
  const settings = parseSettings(env, noMachineIdentity)
  if (isDeployed) refuseUnsafe(settings)
  const emulator = isEmulated(settings) && !isDeployed ? await loadEmulator() : undefined
  const { store, archive } = await openWorkerStorage(
    settings,
    env,
    storageTools(consoleLog(settings), createSha256),
  )
  return openApp(settings, {
    store,
    archive,
    emulator,
    waitUntil,
    createCarrier,
    fixedLength,
    connect,
    schedule: ({ run }) => void upkeeps.set(env, run),
  })
}

declare const process: { readonly env: { readonly NODE_ENV?: string } }

/** Loads the emulator. Wrangler replaces `NODE_ENV` by `production` on deploy, which leaves the emulator out. */
async function loadEmulator(): Promise<DoorOptions['emulator']> {
  if (process.env.NODE_ENV !== 'production') {
    const { createEmulator } = await import('./emulator/emulator.ts')
    return createEmulator
  }
  return undefined
}

/** Refuses settings that are unsafe on a deployed Worker. @throws CfileError `not_ready` */
function refuseUnsafe(settings: Settings): void {
  if (!settings.allowAnonymous && !knowsCallers(settings)) {
    throw notReady(
      'CFILE_ALLOW_ANONYMOUS',
      'Anybody could ask this Worker for files: set CFILE_API_KEYS or CFILE_JWKS_URL, or CFILE_ALLOW_ANONYMOUS=1 if that is meant.',
    )
  }
  if (settings.signingKeys === undefined) {
    throw notReady(
      'CFILE_SIGNING_KEYS',
      'This Worker has no key to sign links with, and each of its isolates would make its own: set CFILE_SIGNING_KEYS.',
    )
  }
}

/**
 * The error for a Worker that must not serve with its settings.
 *
 * @param param the setting to change
 */
function notReady(param: string, message: string): CfileError {
  return new CfileError('not_ready', message, { param })
}

declare class FixedLengthStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(bytes: number)
}

const fixedLength = (bytes: number) => new FixedLengthStream(bytes)
const createCarrier = largePiecesCarrier(fixedLength, Date.now)

declare class DigestStream extends WritableStream<Uint8Array> {
  constructor(algorithm: 'SHA-256')
  readonly digest: Promise<ArrayBuffer>
}

/** Creates a streaming SHA-256 with workerd's own `DigestStream`. */
function createSha256() {
  const { DigestStream: Digest } = crypto as unknown as { DigestStream: typeof DigestStream }
  const stream = new Digest('SHA-256')
  const writer = stream.getWriter()
  return {
    update: (chunk: Uint8Array<ArrayBuffer>) => writer.write(chunk),
    async digest(): Promise<string> {
      await writer.close()
      return toHex(new Uint8Array(await stream.digest))
    },
  }
}

/** A WebSocket of workerd, which must be accepted before use. */
interface WorkerSocket extends WebSocket {
  accept(): void
}

declare const WebSocketPair: new () => { readonly 0: WorkerSocket; readonly 1: WorkerSocket }

const upgrade: UpgradeBindings['upgrade'] = (serve) => {
  const { 0: client, 1: server } = new WebSocketPair()
  server.accept()
  const socket = webSocket(server, webRuntime.wait)
  waitUntil(serve(socket).catch(() => socket.close({ code: 1011, reason: '' })))
  const init: ResponseInit & { readonly webSocket: WorkerSocket } = {
    status: 101,
    webSocket: client,
  }
  return new Response(null, init)
}

/** Opens a WebSocket with `fetch`, which accepts headers in Workers. */
const connect: Connect = async (url, { headers, signal }) => {
  const init = {
    headers: { ...headers, upgrade: 'websocket' },
    redirect: 'manual',
    signal,
  } as const
  const answer: Response & { readonly webSocket?: WorkerSocket } = await fetch(url, init)
  const { webSocket: socket, status } = answer
  if (!socket) throw new HandshakeRefused(status)
  const wrapped = webSocket(socket, webRuntime.wait)
  socket.accept()
  return wrapped
}

const worker: Worker = {
  async fetch(request, env, context) {
    try {
      // `wrangler dev` uses a loopback address; a deployed Worker has a hostname.
      const app = await openOnce(env, !isLoopback(new URL(request.url).hostname))
      return await app.fetch(request, { ...env, upgrade }, context)
    } catch (error) {
      if (!isCfileError(error)) throw error
      // The settings are wrong, not the request.
      const { message, details } = error
      const refusal = new CfileError('not_ready', message, details)
      return Response.json(toErrorBody(refusal, crypto.randomUUID()), { status: refusal.status })
    }
  },

  async scheduled(_, env) {
    await openOnce(env, true)
    await upkeeps.get(env)?.()
  },
}

export default worker

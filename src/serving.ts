/**
 * What the doors that listen have in common: Node, Bun and Deno differ in how they listen, and in nothing else.
 *
 * @module
 */

import type { Hono } from 'hono'
import { CfileError } from './core/errors.ts'
import { isLoopback } from './core/loopback.ts'
import { startDeadline } from './core/wait.ts'
import type { Log } from './gateway/gateway.ts'
import { consoleLog, type DoorOptions, isEmulated, knowsCallers, openApp } from './open.ts'
import type { Upkeep } from './options.ts'
import { type Runtime, webRuntime } from './runtime.ts'
import { parseEnv, type Settings } from './settings.ts'
import type { Storage } from './storage/storage.ts'

/** The environment, as every runtime has it. */
export type Env = Readonly<Record<string, string | undefined>>

/** A server that `serve` started. */
export interface Running {
  /** Where it listens, without a slash at its end. */
  readonly url: string
  /** Whether it runs on the built-in emulator. */
  readonly emulated: boolean
  /**
   * Says 503 at `/readyz` for `CFILE_SHUTDOWN_DELAY_MS`, stops accepting, and lets the answers under way finish for
   * `CFILE_SHUTDOWN_TIMEOUT_MS`; resolves when the last one has ended.
   */
  close(): Promise<void>
}

/** A socket that listens. */
export interface Listener {
  readonly port: number
  /** Has each answer from here on end its connection, where the runtime can. */
  leave?(): void
  /** Stops accepting; resolves when the answers under way have ended. */
  close(): Promise<void>
  /** Breaks off the answers that are left. */
  cut(): void
}

/** Answers a request; some runtimes tell more about it than it holds. */
export type Answer = (request: Request, bindings?: object) => Response | Promise<Response>

/** What a runtime brings to serve an app. */
export interface Platform {
  listen(address: Pick<Settings, 'host' | 'port'>, answer: Answer): Promise<Listener>
  /** What the runtime has of its own. */
  readonly runtime?: () => Partial<Runtime>
  /** The built-in emulator, which most servers never need. */
  loadEmulator(): Promise<DoorOptions['emulator']>
  /** Opens the store and the archive. */
  openStorage(settings: Settings, log: Log, runtime?: Partial<Runtime>): Promise<Storage>
  /** That of `node:fs/promises`. */
  readonly readFile: (path: string, encoding: 'utf8') => Promise<string>
}

/**
 * Serves the app as the environment says; with no Azure settings at all, on the built-in emulator.
 *
 * @throws CfileError `invalid_request` for a setting that is wrong
 */
export async function serveOn(platform: Platform, env: Env): Promise<Running> {
  const settings = parseEnv(env)
  refuseToBeOpen(settings)
  const runtime = platform.runtime?.() ?? {}
  const { close: closeStorage, ...storage } = await platform.openStorage(
    settings,
    consoleLog(settings),
    runtime,
  )
  const emulator = isEmulated(settings) ? await platform.loadEmulator() : undefined
  let app!: Hono
  const listener = await platform.listen(settings, (request, bindings) =>
    app.fetch(request, bindings),
  )
  const url = urlOf(settings, listener)
  const closing = new AbortController()
  const upkeep = createUpkeep()
  app = openApp(settings, {
    ...runtime,
    ...storage,
    publicUrl: settings.publicUrl ?? url,
    isClosing: () => closing.signal.aborted,
    schedule: upkeep.start,
    readFile: (path) => platform.readFile(path, 'utf8'),
    emulator,
  })
  return {
    url,
    emulated: isEmulated(settings),
    async close() {
      closing.abort()
      // At once, so that another process takes up the copies while this one still answers.
      const handedOver = upkeep.stop()
      await endListener(settings, listener)
      await handedOver
      await closeStorage()
    },
  }
}

async function endListener(settings: Settings, listener: Listener): Promise<void> {
  const { shutdownDelayMs, shutdownTimeoutMs } = settings
  listener.leave?.()
  if (shutdownDelayMs > 0) await webRuntime.wait(shutdownDelayMs)
  const deadline = startDeadline(webRuntime.wait, shutdownTimeoutMs)
  deadline.signal.addEventListener('abort', () => {
    consoleLog(settings)('warn', 'The time to end was over: what was still under way was cut.', {
      setting: 'CFILE_SHUTDOWN_TIMEOUT_MS',
    })
    listener.cut()
  })
  await listener.close()
  deadline.clear()
}

// Most calls find that no sweep is due.
const lookEveryMs = 3000

/** Sweeps at the start, and then as often as a sweep is due, until it is stopped. */
function createUpkeep() {
  const stopped = new AbortController()
  let upkeep: Upkeep | undefined
  return {
    async start(given: Upkeep): Promise<void> {
      upkeep = given
      if (!given.isNeeded) return
      while (!stopped.signal.aborted) {
        await given.sweep()
        await webRuntime.wait(lookEveryMs, stopped.signal).catch(() => {})
      }
    },
    async stop(): Promise<void> {
      stopped.abort()
      await upkeep?.stop()
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

function urlOf({ host }: Settings, { port }: Listener): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

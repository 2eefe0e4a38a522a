/**
 * What the doors that listen have in common: Node, Bun and Deno differ in how they listen, and in nothing else.
 *
 * @module
 */

import type { Hono } from 'hono'
import { CfileError, isCfileError } from '../core/errors.ts'
import { startDeadline } from '../core/time.ts'
import { isLoopback, showUrl } from '../core/url.ts'
import type { Log } from '../gateway/gateway.ts'
import type { Upkeep } from '../options.ts'
import type { Authenticate } from '../routes/callers.ts'
import { keysCure } from '../routes/remote-keys.ts'
import { type Runtime, webRuntime } from '../runtime.ts'
import { consoleLog } from './console-log.ts'
import { type DoorOptions, isEmulated, knowsCallers, openApp, openCallers } from './open-app.ts'
import { parseEnv, type Settings } from './settings/settings.ts'
import type { Storage } from './storage.ts'

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
 * Serves the app as the environment says; with no Azure settings at all, on the built-in emulator. It listens only when
 * everything else is ready; where something fails, nothing is left open.
 *
 * @throws CfileError `invalid_request` for a setting that is wrong
 */
export async function serveOn(platform: Platform, env: Env): Promise<Running> {
  const settings = parseEnv(env)
  refuseToBeOpen(settings)
  const runtime = platform.runtime?.() ?? {}
  const authenticate = await readyCallers(settings, { ...webRuntime, ...runtime })
  const { close: closeStorage, ...storage } = await platform.openStorage(
    settings,
    consoleLog(settings),
    runtime,
  )
  const closing = new AbortController()
  const upkeep = createUpkeep()
  try {
    const emulator = isEmulated(settings) ? await platform.loadEmulator() : undefined
    const { url, listener } = await listenWhenReady(platform, settings, (publicUrl) =>
      openApp(settings, {
        ...runtime,
        ...storage,
        authenticate,
        publicUrl,
        isClosing: () => closing.signal.aborted,
        schedule: upkeep.take,
        readFile: (path) => platform.readFile(path, 'utf8'),
        emulator,
      }),
    )
    upkeep.begin()
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
  } catch (error) {
    await upkeep.stop()
    await closeStorage()
    throw error
  }
}

/**
 * Makes the check of callers and fetches the keys of their tokens.
 *
 * @throws CfileError `invalid_request` if there are no keys to fetch
 */
async function readyCallers(
  { callers }: Settings,
  runtime: Runtime,
): Promise<Authenticate | undefined> {
  const authenticate = openCallers(callers, runtime)
  try {
    await authenticate?.ready?.()
  } catch (error) {
    if (!isCfileError(error)) throw error
    throw new CfileError(
      'invalid_request',
      `CFILE_JWKS_URL is ${showUrl(callers.jwt?.jwksUrl ?? '')}, where no keys can be fetched (${error.details.cause}). ${keysCure}`,
      { param: 'CFILE_JWKS_URL' },
    )
  }
  return authenticate
}

/** Opens the app before the socket, except where the system chooses the port: then the URL is known only afterwards. */
async function listenWhenReady(
  platform: Platform,
  settings: Settings,
  open: (publicUrl: string) => Hono,
): Promise<{ readonly url: string; readonly listener: Listener }> {
  const { port, publicUrl = port === 0 ? undefined : urlOf(settings, port) } = settings
  let app = publicUrl === undefined ? undefined : open(publicUrl)
  const listener = await platform.listen(
    settings,
    (request, bindings) => app?.fetch(request, bindings) ?? new Response(null, { status: 503 }),
  )
  const url = urlOf(settings, listener.port)
  try {
    app ??= open(url)
  } catch (error) {
    await listener.close()
    throw error
  }
  return { url, listener }
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

/** Sweeps at its begin, and then as often as a sweep is due, until it is stopped. */
function createUpkeep() {
  const stopped = new AbortController()
  let upkeep: Upkeep | undefined
  return {
    take(given: Upkeep): void {
      upkeep = given
    },
    async begin(): Promise<void> {
      if (!upkeep?.isNeeded) return
      await upkeep.check()
      while (!stopped.signal.aborted) {
        await upkeep.sweep()
        await webRuntime.wait(lookEveryMs, stopped.signal).catch(() => {})
      }
    },
    async stop(): Promise<void> {
      stopped.abort()
      await upkeep?.stop()
    },
  }
}

/**
 * Beyond loopback there are strangers: they get neither the emulator nor, unless it is meant, files without a key. They
 * reach the server by a name that only the operator knows.
 *
 * @throws CfileError `invalid_request`
 */
export function refuseToBeOpen(settings: Settings): void {
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
  if (settings.publicUrl === undefined) {
    throw new CfileError(
      'invalid_request',
      `HOST is ${host}, but CFILE_PUBLIC_URL is not set, so that links would lead nowhere: set CFILE_PUBLIC_URL to the URL by which clients reach this server, such as https://files.example.com.`,
      { param: 'CFILE_PUBLIC_URL' },
    )
  }
}

function urlOf({ host }: Settings, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/**
 * Serves the app on Node, Bun and Deno: reads the settings, opens the storage, listens, and shuts down. The runtimes
 * differ only in how they listen.
 *
 * @module
 */

import type { Hono } from 'hono'
import { CfileError, isCfileError } from '../core/errors.ts'
import { startDeadline } from '../core/time.ts'
import { isLoopback, showUrl } from '../core/url.ts'
import type { Log } from '../gateway/gateway.ts'
import type { Upkeep } from '../options.ts'
import type { Authenticate } from '../routes/callers/callers.ts'
import { keysCure } from '../routes/callers/remote-keys.ts'
import { type Runtime, webRuntime } from '../runtime.ts'
import { consoleLog } from './console-log.ts'
import { type DoorOptions, isEmulated, knowsCallers, openApp, openCallers } from './open-app.ts'
import { parseEnv, type Settings } from './settings/settings.ts'
import type { Storage } from './storage.ts'

/** Environment variables by their names. */
export type Env = Readonly<Record<string, string | undefined>>

/** A server that `serve` started. */
export interface Running {
  /** URL on which it listens, without a trailing slash. */
  readonly url: string
  /** Whether it runs on the built-in emulator. */
  readonly emulated: boolean
  /**
   * Answers 503 at `/readyz` for `CFILE_SHUTDOWN_DELAY_MS`, then stops accepting connections. Answers under way may
   * take `CFILE_SHUTDOWN_TIMEOUT_MS`. Resolves when the last one has ended.
   */
  close(): Promise<void>
}

/** A listening socket. */
interface Listener {
  readonly port: number
  /** Makes each further answer end its connection, if the runtime can. */
  leave?(): void
  /**
   * Stops accepting connections. Resolves when the answers under way have ended.
   *
   * @param isGentle whether idle connections may send one more request until their keep-alive timeout, if the runtime
   *   can
   */
  close(isGentle?: boolean): Promise<void>
  /** Aborts the remaining answers. */
  cut(): void
}

/** Answers a request. `bindings` are objects of the runtime that belong to the request. */
export type Answer = (request: Request, bindings?: object) => Response | Promise<Response>

/** The functions of a runtime that serving needs. */
export interface Platform {
  listen(address: Pick<Settings, 'host' | 'port'>, answer: Answer): Promise<Listener>
  /** Replacements for parts of the web runtime. */
  readonly runtime?: () => Partial<Runtime>
  /** Loads the built-in emulator, which most servers never need. */
  loadEmulator(): Promise<DoorOptions['emulator']>
  /** Opens the store and the archive. */
  openStorage(settings: Settings, log: Log, runtime?: Partial<Runtime>): Promise<Storage>
  /** `readFile` of `node:fs/promises`. */
  readonly readFile: (path: string, encoding: 'utf8') => Promise<string>
}

/**
 * Serves the app with the settings of an environment; without any Azure settings, on the built-in emulator. It listens
 * when everything else is ready. After a failure nothing is left open.
 *
 * @param platform functions of the runtime
 * @param env environment of the process
 * @throws CfileError `invalid_request` for a wrong setting
 */
export async function serveOn(platform: Platform, env: Env): Promise<Running> {
  const settings = parseEnv(env)
  refuseUnsafe(settings)
  const runtime = platform.runtime?.() ?? {}
  const authenticate = await readyCallers(settings, { ...webRuntime, ...runtime })
  const log = consoleLog(settings)
  const { close: closeStorage, ...storage } = await platform.openStorage(settings, log, runtime)
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
        schedule: upkeep.set,
        readFile: (path) => platform.readFile(path, 'utf8'),
        emulator,
      }),
    )
    upkeep.start()
    return {
      url,
      emulated: isEmulated(settings),
      async close() {
        closing.abort()
        // At once, so that another process can continue the copies while running answers end.
        await Promise.all([upkeep.stop(), endListener(settings, listener)])
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
 * Creates the authentication of callers, and fetches the keys of their tokens.
 *
 * @throws CfileError `invalid_request` if the keys cannot be fetched
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

/** Opens the app before the socket. If the system chooses the port, the socket comes first, because the app needs its URL. */
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

/** Ends the listener: waits while `/readyz` says 503, stops accepting connections, and aborts answers that take too long. */
async function endListener(settings: Settings, listener: Listener): Promise<void> {
  const { shutdownDelayMs, shutdownTimeoutMs } = settings
  listener.leave?.()
  if (shutdownDelayMs > 0) await webRuntime.wait(shutdownDelayMs)
  const deadline = startDeadline(webRuntime.wait, shutdownTimeoutMs)
  deadline.signal.addEventListener('abort', () => {
    consoleLog(settings)('warn', 'The shutdown timeout passed; running answers were aborted.', {
      setting: 'CFILE_SHUTDOWN_TIMEOUT_MS',
    })
    listener.cut()
  })
  await listener.close(shutdownDelayMs > 0)
  deadline.clear()
}

// Most calls find that no upkeep is due.
const upkeepEveryMs = 3000

/** Runs upkeep at the start and whenever it is due, until it is stopped. */
function createUpkeep() {
  const stopped = new AbortController()
  let upkeep: Upkeep | undefined
  return {
    set(work: Upkeep): void {
      upkeep = work
    },
    async start(): Promise<void> {
      if (!upkeep?.isNeeded) return
      await upkeep.check()
      while (!stopped.signal.aborted) {
        await upkeep.run()
        await webRuntime.wait(upkeepEveryMs, stopped.signal).catch(() => {})
      }
    },
    async stop(): Promise<void> {
      stopped.abort()
      await upkeep?.stop()
    },
  }
}

/**
 * Refuses settings with which strangers could use a server, or its links would not work. A server beyond loopback needs
 * an upstream, callers' keys (or `CFILE_ALLOW_ANONYMOUS=1`), and `CFILE_PUBLIC_URL`, since only the operator knows its
 * public name.
 *
 * @param settings of the process
 * @throws CfileError `invalid_request`
 */
export function refuseUnsafe(settings: Settings): void {
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
      `HOST is ${host}, but CFILE_PUBLIC_URL is not set, so links would not work: set CFILE_PUBLIC_URL to the URL by which clients reach this server, such as https://files.example.com.`,
      { param: 'CFILE_PUBLIC_URL' },
    )
  }
}

/** The URL of this server. An IPv6 address is in brackets. */
function urlOf({ host }: Settings, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

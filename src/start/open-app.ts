/**
 * Creates the app from the settings, in the same way on every runtime.
 *
 * @module
 */

import type { Hono } from 'hono'
import { createApp } from '../app.ts'
import { apiKey } from '../azure/credentials.ts'
import { CfileError } from '../core/errors.ts'
import { connectWithin } from '../core/http/websocket.ts'
import { webHmac } from '../core/links/keys.ts'
import type { AppOptions } from '../options.ts'
import { type Authenticate, createAuthenticate, createKeyRing } from '../routes/callers/callers.ts'
import { jwtCallers } from '../routes/callers/jwt-callers.ts'
import { type Runtime, webRuntime } from '../runtime.ts'
import { consoleLog } from './console-log.ts'
import type { CallerSettings } from './settings/callers.ts'
import type { Settings } from './settings/settings.ts'

/** Options that depend on the runtime. They replace those of the settings. */
export interface DoorOptions extends Partial<AppOptions> {
  /** Creates the built-in emulator. Without it, settings without an upstream are an error. */
  readonly emulator?: () => Pick<Hono, 'fetch'>
}

/**
 * Whether the settings name no upstream, so that the built-in emulator answers.
 *
 * @param settings of the process
 */
export function isEmulated(settings: Settings): boolean {
  return settings.upstreams.length === 0
}

/**
 * Whether the settings identify callers.
 *
 * @param settings of the process
 */
export function knowsCallers({ callers: { keys, jwt } }: Settings): boolean {
  return keys !== undefined || jwt !== undefined
}

/**
 * Creates the app that the settings describe.
 *
 * @param settings result of {@link parseEnv}
 * @param door options of the runtime: store, archive, emulator, network
 * @throws CfileError `invalid_request` for settings that cannot work; `not_ready` without an upstream and an emulator
 */
export function openApp(settings: Settings, { emulator, ...door }: DoorOptions = {}): Hono {
  const log = door.log ?? consoleLog(settings)
  const app = createFrom(settings, { ...door, log }, emulator)
  // After the app, so that a wrong setting ends the start with one line.
  for (const warning of settings.warnings) log('warn', warning)
  return app
}

/**
 * Creates the app. Options of the runtime replace those of the settings.
 *
 * @throws CfileError `invalid_request` for a store or archive that is not open; `not_ready` without an upstream
 */
function createFrom(
  settings: Settings,
  door: Partial<AppOptions>,
  emulator: DoorOptions['emulator'],
): Hono {
  const { store, archive, ...plain } = settings
  if (door.store === undefined && store !== undefined && store.kind !== 'memory') {
    throw notOpened('CFILE_STORE', store.kind)
  }
  if (door.archive === undefined && archive !== undefined) {
    throw notOpened('CFILE_ARCHIVE', archive.kind)
  }
  const { authenticate = openCallers(settings.callers, { ...webRuntime, ...door }) } = door
  const options: AppOptions = { ...plain, ...definedOf(door), authenticate }
  if (!isEmulated(settings)) return createApp(options)
  if (emulator === undefined) throw noUpstream()
  return openEmulated(options, emulator())
}

/** The error for a store or archive that the caller of `openApp` did not open. The default must not replace it silently. */
function notOpened(param: string, kind: string): CfileError {
  return new CfileError(
    'invalid_request',
    `${param} is ${kind}:, but it is not open: pass openApp the result of openStorage(settings), which cfile/node exports.`,
    { param },
  )
}

/**
 * Creates the authentication that the settings describe; `undefined` without caller auth.
 *
 * @param callers keys and token settings
 * @param runtime network, clock and timer, for the keys of an issuer
 */
export function openCallers(
  { keys, jwt }: CallerSettings,
  { fetch, now, wait, createHmac = webHmac }: Runtime,
): Authenticate | undefined {
  if (keys === undefined && jwt === undefined) return undefined
  const secret = crypto.getRandomValues(new Uint8Array(32))
  return createAuthenticate({
    keys: keys && createKeyRing(keys, createHmac(secret)),
    jwt: jwt && jwtCallers({ ...jwt, fetch, now, wait }),
  })
}

/** Creates the app on the built-in emulator, and serves the emulator's own controls below `/emulator`. */
function openEmulated(options: AppOptions, emulator: Pick<Hono, 'fetch'>): Hono {
  const upstream = {
    // No connection is made: requests to it are answered in this process.
    endpoint: 'http://emulator.localhost',
    isEmulator: true,
    credential: apiKey('emulator'),
    fetch: async (input: string | URL | Request, init?: RequestInit) =>
      emulator.fetch(new Request(input, init)),
    connect: connectWithin(emulator),
  }
  const headers = { 'x-cfile-emulator': '1' }
  const app = createApp({ ...options, upstreams: [upstream], headers })
  app.all('/emulator', (c) => emulator.fetch(c.req.raw))
  app.all('/emulator/*', (c) => emulator.fetch(c.req.raw))
  return app
}

/** Removes options without a value, so that they do not replace settings. */
function definedOf<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<T>
}

/** The error for settings without an upstream on a runtime without an emulator, such as a deployed Worker. */
function noUpstream(): CfileError {
  return new CfileError('not_ready', 'There is no upstream: set AZURE_OPENAI_ENDPOINT.', {
    param: 'AZURE_OPENAI_ENDPOINT',
  })
}

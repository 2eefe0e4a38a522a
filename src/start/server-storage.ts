/**
 * Opens the store and the archive of a server on Node, Bun or Deno, which have files and sockets. Redis is reached by the
 * package `redis` (node-redis, version 5 or newer), which is loaded only for `CFILE_STORE=redis://…`.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type * as redis from 'redis'
import type { Archive } from '../archives/archive.ts'
import { fsArchive, nodeSha256 } from '../archives/fs.ts'
import { CfileError, isCfileError, reasonOf } from '../core/errors.ts'
import { type Wait, within } from '../core/time.ts'
import type { Log } from '../gateway/gateway.ts'
import type { Runtime } from '../runtime.ts'
import { memoryStore } from '../stores/memory.ts'
import { type RedisClient, redisStore } from '../stores/redis.ts'
import { hasSqlite, openSqlite, sqliteStore } from '../stores/sqlite.ts'
import type { Store } from '../stores/store.ts'
import type { StoreSetting } from './settings/storage.ts'
import {
  notOnThisRuntime,
  type Storage,
  type StorageSettings,
  type StorageTools,
  storageTools,
} from './storage.ts'

interface OpenedStore {
  readonly store: Store
  close(): Promise<void>
}

/**
 * Opens the store and the archive that the settings name. The default store is SQLite in the data folder.
 *
 * @param settings store, archive and data folder
 * @param log gets a warning if records end with the process
 * @param runtime its `fetch` sends the requests to remote archives
 * @throws CfileError `invalid_request` for bindings of Workers, and for packages that are not installed
 */
export async function openStorage(
  settings: StorageSettings,
  log: Log = () => {},
  runtime: Partial<Pick<Runtime, 'fetch'>> = {},
): Promise<Storage> {
  const tools: StorageTools = {
    ...storageTools(log, nodeSha256),
    ...(runtime.fetch && { fetch: runtime.fetch }),
    readFile: (path) => readFile(path, 'utf8'),
  }
  const archive = await openArchive(settings, tools)
  const { store, close } =
    settings.store === undefined
      ? await openDefaultStore(settings, tools)
      : await openStore(settings.store, tools)
  return { store, archive, close }
}

/** Opens the store of a server without `CFILE_STORE`: SQLite in the data folder, or memory. */
async function openDefaultStore(
  { upstreams, dataDir }: StorageSettings,
  tools: StorageTools,
): Promise<OpenedStore> {
  // The emulator's ids end with the process, so they are not stored in a file.
  if (upstreams.length === 0) return openStore({ kind: 'memory' }, tools)
  if (await hasSqlite()) {
    return openSqliteStore(join(dataDir, 'cfile.db'), tools, {
      param: 'CFILE_DATA_DIR',
      fault: `CFILE_DATA_DIR is ${dataDir}, where no store can be opened`,
      cure: 'Set CFILE_DATA_DIR to a folder that this user may write to, or CFILE_STORE to redis://… or memory:.',
    })
  }
  // A warning and not an error, because the settings do not ask for SQLite.
  tools.log(
    'warn',
    'Records are lost when this process ends, since this runtime has no SQLite: use Node 22.19 or newer, install better-sqlite3, or set CFILE_STORE to redis://….',
  )
  return openStore({ kind: 'memory' }, tools)
}

/** The error message for a database that cannot be opened. */
interface Refusal {
  readonly param: string
  readonly fault: string
  readonly cure: string
}

/**
 * Opens a database file.
 *
 * @param path of the file
 * @throws CfileError `invalid_request` that names the setting
 */
async function openSqliteStore(
  path: string,
  { now, wait }: StorageTools,
  { param, fault, cure }: Refusal,
): Promise<OpenedStore> {
  try {
    const database = await openSqlite(path)
    return { store: sqliteStore({ database, now, wait }), close: async () => void database.close() }
  } catch (cause) {
    if (isCfileError(cause)) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CfileError('invalid_request', `${fault} (${reason}).`, { param, hint: cure, cause })
  }
}

/**
 * Opens the store that the settings name.
 *
 * @throws CfileError `invalid_request` for bindings of Workers
 */
async function openStore(setting: StoreSetting, tools: StorageTools): Promise<OpenedStore> {
  if (setting.kind === 'memory') return { store: memoryStore(tools), close: async () => {} }
  if (setting.kind === 'sqlite') {
    return openSqliteStore(setting.path, tools, {
      param: 'CFILE_STORE',
      fault: `CFILE_STORE is sqlite:${setting.path}, which can not be opened as a database`,
      cure: 'Set CFILE_STORE to a file in a folder that this user may write to.',
    })
  }
  if (setting.kind === 'redis') {
    const { client, close } = await openRedis(setting.url, tools)
    return { store: redisStore({ client }), close }
  }
  throw notOnThisRuntime('CFILE_STORE', setting.kind, 'sqlite:PATH, redis://… or memory:')
}

/**
 * Opens the archive that the settings name. Code for archives over the network is loaded only for them.
 *
 * @throws CfileError `invalid_request` for bindings of Workers
 */
async function openArchive(
  { archive: setting, identity }: StorageSettings,
  tools: StorageTools,
): Promise<Archive | undefined> {
  if (setting === undefined) return undefined
  if (setting.kind === 'fs') return fsArchive(setting)
  if (setting.kind === 'r2') {
    throw notOnThisRuntime('CFILE_ARCHIVE', 'r2', 'fs:DIR, s3://… or azblob:https://…')
  }
  const { openRemoteArchive } = await import('./remote-archive.ts')
  return openRemoteArchive(setting, identity, tools)
}

/** A client that reconnects by itself. It rejects commands at once while it is not connected. */
interface RedisConnection {
  readonly client: RedisClient
  close(): Promise<void>
}

const connectMs = 5000
const commandMs = 5000
const startMs = 2000
const longestPauseMs = 2000
const pauseAfter = (tries: number): number => Math.min(50 * 2 ** tries, longestPauseMs)

/**
 * Connects, and waits up to two seconds for the connection. A Redis that is down does not stop the start.
 *
 * @param url value of `CFILE_STORE`; may contain a password
 * @param means timer for the limits, and the log
 * @throws CfileError `invalid_request` if the package is not installed
 */
export async function openRedis(
  url: string,
  { wait, log }: { readonly wait: Wait; readonly log: Log },
): Promise<RedisConnection> {
  const { createClient } = await loadPackage()
  const client = createClient({
    url,
    // A queued command would make its request wait until Redis is back.
    disableOfflineQueue: true,
    socket: { connectTimeout: connectMs, reconnectStrategy: pauseAfter },
  })
  let isDown = false
  client.on('error', (error) => {
    if (!isDown) log('error', 'Redis does not answer; cfile keeps trying.', faultOf(error))
    isDown = true
  })
  const ready = new Promise<void>((resolve) => {
    client.once('ready', resolve)
  })
  client.connect().catch(() => {})
  await Promise.race([ready, wait(startMs)])
  return { client: withTimeout(client, wait), close: async () => client.destroy() }
}

/** Returns the fields of the log line about a Redis that does not answer, without the password of its URL. */
function faultOf(error: unknown) {
  const cause = reasonOf(error)
  const isRefused = /NOAUTH|WRONGPASS|NOPERM|password/i.test(`${cause} ${error}`)
  const hint = isRefused
    ? 'Check the user name and password in CFILE_STORE.'
    : 'Check host, port and redis: or rediss: in CFILE_STORE, and that this machine may connect to it.'
  return { setting: 'CFILE_STORE', cause, hint }
}

/** Limits the time of each command, because a Redis that hangs keeps its connection open. */
function withTimeout(client: RedisClient, wait: Wait): RedisClient {
  return {
    sendCommand: (args) => within(wait, commandMs, undefined, () => client.sendCommand(args)),
  }
}

/**
 * Loads the package `redis`, which is optional.
 *
 * @throws CfileError `invalid_request` if it is not installed
 */
async function loadPackage(): Promise<typeof redis> {
  try {
    return await import('redis')
  } catch (cause) {
    throw new CfileError(
      'invalid_request',
      'CFILE_STORE is redis:, but the package is not installed: npm install redis.',
      { param: 'CFILE_STORE', cause },
    )
  }
}

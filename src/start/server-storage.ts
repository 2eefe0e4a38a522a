/**
 * Opens the store and the archive of a server on Node, Bun or Deno, which have files and sockets.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Archive } from '../archives/archive.ts'
import { fsArchive, nodeSha256 } from '../archives/fs.ts'
import { CfileError, isCfileError } from '../core/errors.ts'
import type { Log } from '../gateway/gateway.ts'
import type { Runtime } from '../runtime.ts'
import { memoryStore } from '../stores/memory.ts'
import { redisStore } from '../stores/redis.ts'
import { hasSqlite, openSqlite, sqliteStore } from '../stores/sqlite.ts'
import type { Store } from '../stores/store.ts'
import { openRedis } from './redis.ts'
import type { StoreSetting } from './settings/storage.ts'
import {
  notHere,
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
  // Nobody asked for SQLite by name, and all but the memory of the last run works without it.
  tools.log(
    'warn',
    'What is recorded is lost with this process, since this runtime has no SQLite: use Node 22.13 or newer, install better-sqlite3, or set CFILE_STORE to redis://….',
  )
  return openStore({ kind: 'memory' }, tools)
}

/** The error message for a database that can't be opened. */
interface Refusal {
  readonly param: string
  readonly fault: string
  readonly cure: string
}

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
  throw notHere('CFILE_STORE', setting.kind, 'sqlite:PATH, redis://… or memory:')
}

async function openArchive(
  { archive: setting, identity }: StorageSettings,
  tools: StorageTools,
): Promise<Archive | undefined> {
  if (setting === undefined) return undefined
  if (setting.kind === 'fs') return fsArchive(setting)
  if (setting.kind === 'r2') {
    throw notHere('CFILE_ARCHIVE', 'r2', 'fs:DIR, s3://… or azblob:https://…')
  }
  const { openRemoteArchive } = await import('./remote-archive.ts')
  return openRemoteArchive(setting, identity, tools)
}

/**
 * A store in one SQLite file, the default on Node, Bun and Deno. Several processes on one machine may share the file.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import { makeFolders } from '../core/folders.ts'
import type { Wait } from '../core/time.ts'
import type { Store, StoreEntry } from './store.ts'

/** A value that can be bound to a statement. */
export type SqliteValue = string | number | null

/** A prepared statement with the methods common to `node:sqlite`, `bun:sqlite` and better-sqlite3. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): { readonly changes: number | bigint }
  get(...values: SqliteValue[]): unknown
  all(...values: SqliteValue[]): unknown[]
}

/** An open database with the methods common to `node:sqlite`, `bun:sqlite` and better-sqlite3. */
export interface SqliteDatabase {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
  close(): unknown
}

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /** Opened by {@link openSqlite} or by the caller. The store does not close it. */
  readonly database: SqliteDatabase
  /** The current time in unix seconds, for lifetimes. */
  readonly now: () => number
  /** Waits while another process has locked the file. */
  readonly wait: Wait
}

/** Schema migrations in order, counted by `PRAGMA user_version`. A released migration is never changed. */
const migrations: readonly string[] = [
  `CREATE TABLE entries (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires REAL) STRICT;
   CREATE INDEX entries_by_expiry ON entries (expires) WHERE expires IS NOT NULL;`,
]

const cleanEverySeconds = 60

/**
 * Creates a store in a database, and migrates its schema.
 *
 * @param options an open database, clock and timer
 * @throws CfileError `invalid_request` for a database of a newer version, `not_ready` for one that stays locked
 */
export function sqliteStore({ database, now, wait }: SqliteStoreOptions): Store {
  try {
    configure(database)
    migrate(database)
  } catch (error) {
    throw isLocked(error) ? staysLocked(error) : error
  }
  // From here on SQLite itself must not wait, because that would block the event loop.
  database.exec('PRAGMA busy_timeout = 0')
  const select = database.prepare(
    'SELECT value FROM entries WHERE key = ? AND (expires IS NULL OR expires > ?)',
  )
  const upsert = `INSERT INTO entries (key, value, expires) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires`
  const write = database.prepare(upsert)
  const claim = database.prepare(`${upsert} WHERE entries.expires <= ?`)
  const remove = database.prepare('DELETE FROM entries WHERE key = ?')
  const page = database.prepare(
    `SELECT key, value FROM entries WHERE key >= ? AND key < ? AND key > ?
     AND (expires IS NULL OR expires > ?) ORDER BY key LIMIT ?`,
  )
  const clean = database.prepare(
    'DELETE FROM entries WHERE key IN (SELECT key FROM entries WHERE expires <= ? LIMIT 1000)',
  )
  let cleanAt = 0

  /** Removes some expired values at intervals. Skips a turn if the file is locked. */
  function cleanSometimes(time: number): void {
    if (time < cleanAt) return
    cleanAt = time + cleanEverySeconds
    try {
      clean.run(time)
    } catch (error) {
      if (!isLocked(error)) throw error
    }
  }

  return {
    get: (key) =>
      untilUnlocked(wait, () => {
        const row = select.get(key, now()) as { value: string } | null | undefined
        return row ? JSON.parse(row.value) : undefined
      }),

    put: (key, value, { ttl, ifAbsent = false } = {}) =>
      untilUnlocked(wait, () => {
        const time = now()
        cleanSometimes(time)
        const row = [key, JSON.stringify(value), ttl === undefined ? null : time + ttl] as const
        const { changes } = ifAbsent ? claim.run(...row, time) : write.run(...row)
        return Number(changes) === 1
      }),

    delete: (key) => untilUnlocked(wait, () => void remove.run(key)),

    list: (prefix, { after = '', limit = 100 } = {}) =>
      untilUnlocked(wait, () => {
        // Keys are ASCII, so the prefix followed by a higher character sorts after every key with the prefix.
        const rows = page.all(prefix, `${prefix}\u{10ffff}`, after, now(), limit)
        return (rows as { key: string; value: string }[]).map(
          ({ key, value }): StoreEntry => ({ key, value: JSON.parse(value) }),
        )
      }),
  }
}

const longestLockMs = 5000
const firstPauseMs = 2
const longestPauseMs = 100

/**
 * Runs a step, and repeats it while another process has locked the file.
 *
 * @throws CfileError `not_ready` if the lock remains for 5 s
 */
async function untilUnlocked<T>(wait: Wait, step: () => T): Promise<T> {
  let pause = firstPauseMs
  for (let waited = 0; ; waited += pause) {
    try {
      return step()
    } catch (error) {
      if (!isLocked(error)) throw error
      if (waited >= longestLockMs) throw staysLocked(error)
    }
    pause = Math.min(pause * 2, longestPauseMs)
    await wait(pause)
  }
}

/** Whether another process has the lock. All engines pass on SQLite's own message. */
function isLocked(error: unknown): boolean {
  return error instanceof Error && error.message.includes('database is locked')
}

/** The error for a file that stays locked. */
function staysLocked(cause: unknown): CfileError {
  return new CfileError('not_ready', 'Another process has locked the database of CFILE_STORE.', {
    hint: 'Try again in a while. The operator should end the program that holds the file open for writing (a backup, a sqlite3 shell).',
    headers: { 'retry-after': '2' },
    cause,
  })
}

/**
 * Opens a database file and creates its folder. Uses `node:sqlite` (Node 22.13 and later, Deno), `bun:sqlite`, or the
 * package better-sqlite3 if installed.
 *
 * @param path of the file, or `:memory:`
 * @throws CfileError `invalid_request` if there is no engine
 */
export async function openSqlite(path: string): Promise<SqliteDatabase> {
  const open = await findEngine()
  if (open === undefined) throw noEngine()
  if (path !== ':memory:') {
    const [{ mkdir, stat }, { dirname }] = await Promise.all([
      import('node:fs/promises'),
      import('node:path'),
    ])
    await makeFolders(dirname(path), { mkdir, stat, dirname })
  }
  return open(path)
}

type Constructor = new (path: string) => SqliteDatabase

const engines: readonly (() => Promise<unknown>)[] = [
  async () => (await import('node:sqlite')).DatabaseSync,
  // @ts-expect-error: exists only in Bun
  async () => (await import('bun:sqlite')).Database,
  // @ts-expect-error: an optional package
  async () => (await import('better-sqlite3')).default,
]

/** Whether this runtime or an installed package can open a database. */
export async function hasSqlite(): Promise<boolean> {
  return (await findEngine()) !== undefined
}

/** The first engine that this runtime or installation has. */
async function findEngine(): Promise<((path: string) => SqliteDatabase) | undefined> {
  for (const load of engines) {
    // Engines that this runtime or installation does not have fail to import.
    const Database = (await load().catch(() => undefined)) as Constructor | undefined
    if (Database !== undefined) return (path) => new Database(path)
  }
  return undefined
}

function noEngine(): CfileError {
  return new CfileError(
    'invalid_request',
    'CFILE_STORE is sqlite:, but this runtime has no SQLite: use Node 22.13 or newer, install the package better-sqlite3, or set CFILE_STORE to redis://… or memory:.',
    { param: 'CFILE_STORE' },
  )
}

/**
 * Configures access by several processes: readers beside a writer, and a writer that waits for another one during the
 * start. With `synchronous = NORMAL` a commit survives a crash of the process; after a power failure the last commits
 * may be missing, but the file stays consistent.
 */
function configure(database: SqliteDatabase): void {
  database.exec('PRAGMA busy_timeout = 5000')
  useWriteAheadLog(database)
  database.exec('PRAGMA synchronous = NORMAL')
}

const mostSwitches = 20

/**
 * Switches a database to write-ahead logging. SQLite fails at once, without the busy timeout, if another process writes
 * to a file in the old mode, such as one that starts at the same time. An empty transaction waits for that process.
 */
function useWriteAheadLog(database: SqliteDatabase): void {
  for (let tries = 1; ; tries += 1) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (!isLocked(error) || tries === mostSwitches) throw error
    }
    database.exec('BEGIN IMMEDIATE')
    database.exec('COMMIT')
  }
}

/**
 * Brings the schema up to date.
 *
 * @throws CfileError `invalid_request` for a database of a newer version
 */
function migrate(database: SqliteDatabase): void {
  // Needs no lock if there is nothing to do, so that a process can start while another one writes.
  if (versionOf(database) === migrations.length) return
  // Locks before reading the version again. If two processes start at once, the second one finds the migration done.
  database.exec('BEGIN IMMEDIATE')
  try {
    const version = versionOf(database)
    if (version > migrations.length) throw tooNew(version)
    for (const step of migrations.slice(version)) database.exec(step)
    database.exec(`PRAGMA user_version = ${migrations.length}`)
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

function versionOf(database: SqliteDatabase): number {
  const row = database.prepare('PRAGMA user_version').get() as { user_version: number }
  return row.user_version
}

function tooNew(version: number): CfileError {
  return new CfileError(
    'invalid_request',
    `The database has schema version ${version}, this cfile knows ${migrations.length}: update cfile, or set CFILE_STORE to another file.`,
    { param: 'CFILE_STORE' },
  )
}

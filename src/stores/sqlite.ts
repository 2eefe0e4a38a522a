/**
 * A store in one SQLite file: the default on Node, Bun and Deno. Several processes on one machine may share the file.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import type { Wait } from '../core/time.ts'
import type { Store, StoreEntry } from './store.ts'

/** What may be bound to a statement. */
export type SqliteValue = string | number | null

/** A prepared statement, as `node:sqlite`, `bun:sqlite` and better-sqlite3 have it. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): { readonly changes: number | bigint }
  get(...values: SqliteValue[]): unknown
  all(...values: SqliteValue[]): unknown[]
}

/** An open database, as `node:sqlite`, `bun:sqlite` and better-sqlite3 have it. */
export interface SqliteDatabase {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
  close(): unknown
}

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /** From {@link openSqlite}, or opened by the caller; who opened it closes it. */
  readonly database: SqliteDatabase
  /** Unix seconds, for lifetimes. */
  readonly now: () => number
  /** Waits for another process that has locked the file. */
  readonly wait: Wait
}

/** One step each, in order; what was released is never edited, only added to. `PRAGMA user_version` counts them. */
const migrations: readonly string[] = [
  `CREATE TABLE entries (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires REAL) STRICT;
   CREATE INDEX entries_by_expiry ON entries (expires) WHERE expires IS NOT NULL;`,
]

const sweepEverySeconds = 60

/**
 * Keeps values in a table of the database, which is brought to the newest schema first.
 *
 * @throws CfileError `invalid_request` for a database that a newer version wrote
 */
export function sqliteStore({ database, now, wait }: SqliteStoreOptions): Store {
  configure(database)
  migrate(database)
  // From here on nothing waits inside SQLite, which would stop the event loop.
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
  const sweep = database.prepare(
    'DELETE FROM entries WHERE key IN (SELECT key FROM entries WHERE expires <= ? LIMIT 1000)',
  )
  let sweepAt = 0

  /** Removes some of what has expired; where the file is locked, the next turn does it. */
  function sweepSometimes(time: number): void {
    if (time < sweepAt) return
    sweepAt = time + sweepEverySeconds
    try {
      sweep.run(time)
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
        sweepSometimes(time)
        const row = [key, JSON.stringify(value), ttl === undefined ? null : time + ttl] as const
        const { changes } = ifAbsent ? claim.run(...row, time) : write.run(...row)
        return Number(changes) === 1
      }),

    delete: (key) => untilUnlocked(wait, () => void remove.run(key)),

    list: (prefix, { after = '', limit = 100 } = {}) =>
      untilUnlocked(wait, () => {
        // Keys are ASCII, so every key with the prefix sorts before the prefix with a higher character behind it.
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
 * Does a step; where another process has locked the file, does it again until the lock is gone.
 *
 * @throws CfileError `not_ready` where the lock stays for too long
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

/** Whether another process has the lock: all engines say it in SQLite's own words. */
function isLocked(error: unknown): boolean {
  return error instanceof Error && error.message.includes('database is locked')
}

function staysLocked(cause: unknown): CfileError {
  return new CfileError('not_ready', 'Another process has locked the database of CFILE_STORE.', {
    hint: 'Ask again in a while. Whoever runs the gateway ends the program that holds the file open for writing (a backup, a sqlite3 shell).',
    headers: { 'retry-after': '2' },
    cause,
  })
}

/**
 * Opens a database file with what this runtime has, and makes its folder: `node:sqlite` (Node 22.13 and up, Deno),
 * `bun:sqlite`, or the package better-sqlite3 where it is installed.
 *
 * @throws CfileError `invalid_request` where there is none of them
 */
export async function openSqlite(path: string): Promise<SqliteDatabase> {
  const open = await findEngine()
  if (open === undefined) throw noEngine()
  if (path !== ':memory:') {
    const [{ mkdir }, { dirname }] = await Promise.all([
      import('node:fs/promises'),
      import('node:path'),
    ])
    await mkdir(dirname(path), { recursive: true })
  }
  return open(path)
}

type Constructor = new (path: string) => SqliteDatabase

const engines: readonly (() => Promise<unknown>)[] = [
  async () => (await import('node:sqlite')).DatabaseSync,
  // @ts-expect-error: only Bun has it
  async () => (await import('bun:sqlite')).Database,
  // @ts-expect-error: nobody has to install it
  async () => (await import('better-sqlite3')).default,
]

/** Whether this runtime, or an installed package, can open a database. */
export async function hasSqlite(): Promise<boolean> {
  return (await findEngine()) !== undefined
}

async function findEngine(): Promise<((path: string) => SqliteDatabase) | undefined> {
  for (const load of engines) {
    // What this runtime or this installation does not have can't be imported.
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
 * Lets several processes in: readers beside a writer, and at the start a writer that waits for the other. With `NORMAL`
 * a commit survives the death of the process; after a power cut the last ones may be missing, and nothing is ever torn.
 */
function configure(database: SqliteDatabase): void {
  database.exec('PRAGMA busy_timeout = 5000')
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = NORMAL')
}

function migrate(database: SqliteDatabase): void {
  // Without a lock where there is nothing to do, so that a process can start while another one writes.
  if (versionOf(database) === migrations.length) return
  // Locked before the version is read again, so that of two processes that start at once the second finds the work done.
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

/**
 * A store in Cloudflare D1, the recommended one on Workers: every isolate reads at once what another one wrote.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import type { Store, StoreEntry } from './store.ts'

/** A statement of a {@link D1Binding}. */
export interface D1Statement {
  bind(...values: unknown[]): D1Statement
  run(): Promise<{ readonly meta: { readonly changes: number } }>
  all(): Promise<{ readonly results: readonly unknown[] }>
}

/** The part of a D1 binding that is used. Without a session, D1 answers from the primary database. */
export interface D1Binding {
  prepare(sql: string): D1Statement
  batch(statements: D1Statement[]): Promise<readonly { readonly results: readonly unknown[] }[]>
}

/** Options of {@link d1Store}. */
export interface D1StoreOptions {
  readonly database: D1Binding
  /** The current time in unix seconds, for lifetimes. */
  readonly now: () => number
}

/** Schema migrations in order. A released migration is never changed. */
const migrations: readonly (readonly string[])[] = [
  [
    'CREATE TABLE cfile_entries (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires REAL) STRICT',
    'CREATE INDEX cfile_entries_by_expiry ON cfile_entries (expires) WHERE expires IS NOT NULL',
  ],
]

const selectSql =
  'SELECT value FROM cfile_entries WHERE key = ? AND (expires IS NULL OR expires > ?)'
const writeSql = `INSERT INTO cfile_entries (key, value, expires) VALUES (?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires`
const claimSql = `${writeSql} WHERE cfile_entries.expires <= ?`
const deleteSql = 'DELETE FROM cfile_entries WHERE key = ?'
const pageSql = `SELECT key, value FROM cfile_entries WHERE key >= ? AND key < ? AND key > ?
  AND (expires IS NULL OR expires > ?) ORDER BY key LIMIT ?`
const cleanSql =
  'DELETE FROM cfile_entries WHERE key IN (SELECT key FROM cfile_entries WHERE expires <= ? LIMIT 100)'

const cleanEverySeconds = 300

/**
 * Creates a store in the table `cfile_entries`. The first use creates the table or migrates it.
 *
 * @param options a binding of `d1_databases` in wrangler.toml, and the clock
 * @throws (by each method) CfileError `invalid_request` for a database of a newer version; the errors of D1
 */
export function d1Store({ database, now }: D1StoreOptions): Store {
  let cleanAt = 0
  // A flag instead of a shared promise: in workerd a request that waits for another request's work may never continue.
  let isMigrated = false

  async function statement(sql: string, ...values: unknown[]): Promise<D1Statement> {
    if (!isMigrated) await migrate(database)
    isMigrated = true
    return database.prepare(sql).bind(...values)
  }

  async function clean(time: number): Promise<void> {
    if (time < cleanAt) return
    cleanAt = time + cleanEverySeconds
    await (await statement(cleanSql, time)).run()
  }

  return {
    async get(key) {
      const { results } = await (await statement(selectSql, key, now())).all()
      const row = results[0] as { value: string } | undefined
      return row && JSON.parse(row.value)
    },

    async put(key, value, { ttl, ifAbsent = false } = {}) {
      const time = now()
      const row = [key, JSON.stringify(value), ttl === undefined ? null : time + ttl]
      const write = ifAbsent
        ? await statement(claimSql, ...row, time)
        : await statement(writeSql, ...row)
      const { meta } = await write.run()
      await clean(time)
      return meta.changes > 0
    },

    async delete(key) {
      await (await statement(deleteSql, key)).run()
    },

    async list(prefix, { after = '', limit = 100 } = {}) {
      // Keys are ASCII, so the prefix followed by a higher character sorts after every key with the prefix.
      const range = [prefix, `${prefix}\u{10ffff}`, after, now(), limit]
      const { results } = await (await statement(pageSql, ...range)).all()
      return (results as readonly { key: string; value: string }[]).map(
        ({ key, value }): StoreEntry => ({ key, value: JSON.parse(value) }),
      )
    },
  }
}

/**
 * Migrates the schema. D1 has no `PRAGMA user_version`, so a table holds a row for each migration. The row is inserted
 * first, in the same transaction (batch) as the migration: if two isolates start at once, the insert of one fails and
 * it reads the version again.
 */
async function migrate(database: D1Binding): Promise<void> {
  for (let version = await versionOf(database); version < migrations.length; ) {
    try {
      await takeStep(database, version)
    } catch (error) {
      if ((await versionOf(database)) <= version) throw error
    }
    version = await versionOf(database)
  }
}

/**
 * Takes one migration, in one transaction with its row.
 *
 * @param version number of migrations that are done
 */
async function takeStep(database: D1Binding, version: number): Promise<void> {
  await database.batch([
    database.prepare('INSERT INTO cfile_migrations (version) VALUES (?)').bind(version + 1),
    ...(migrations[version] ?? []).map((sql) => database.prepare(sql)),
  ])
}

/**
 * The number of migrations that are done.
 *
 * @throws CfileError `invalid_request` for a database of a newer version
 */
async function versionOf(database: D1Binding): Promise<number> {
  const results = await database.batch([
    database.prepare('CREATE TABLE IF NOT EXISTS cfile_migrations (version INTEGER PRIMARY KEY)'),
    database.prepare('SELECT version FROM cfile_migrations ORDER BY version DESC LIMIT 1'),
  ])
  const newest = results[1]?.results[0] as { version: number } | undefined
  const version = newest?.version ?? 0
  if (version <= migrations.length) return version
  throw new CfileError(
    'invalid_request',
    `The D1 database has schema version ${version}, this cfile knows ${migrations.length}: deploy the newer cfile, or bind another database.`,
    { param: 'CFILE_STORE' },
  )
}

import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { webRuntime } from '../../src/runtime.ts'
import { openSqlite, type SqliteDatabase, sqliteStore } from '../../src/stores/sqlite.ts'
import { testClock } from './clock.ts'
import { storeContract } from './contract.ts'

let folder: string
let files = 0
const opened: SqliteDatabase[] = []
const now = () => 1_790_000_000
const { wait } = webRuntime

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cfile-sqlite-'))
})

afterAll(async () => {
  for (const database of opened) database.close()
  await rm(folder, { recursive: true })
})

function freshPath(): string {
  files += 1
  return join(folder, `${files}.db`)
}

async function open(path: string): Promise<SqliteDatabase> {
  const database = await openSqlite(path)
  opened.push(database)
  return database
}

storeContract('a SQLite file', async () => {
  const { now, advance } = testClock()
  return { store: sqliteStore({ database: await open(freshPath()), now, wait }), advance }
})

describe('a store in a SQLite file', () => {
  it('creates the folders in its path', async () => {
    const path = join(folder, 'data', 'of', 'cfile.db')
    await sqliteStore({ database: await open(path), now, wait }).put('file/1', 1)
    expect((await readFile(path)).subarray(0, 15).toString()).toBe('SQLite format 3')
  })

  it('keeps everything over a restart', async () => {
    const path = freshPath()
    const first = await openSqlite(path)
    await sqliteStore({ database: first, now, wait }).put('file/1', { filename: 'a.csv' })
    first.close()
    const again = sqliteStore({ database: await open(path), now, wait })
    expect(await again.get('file/1')).toEqual({ filename: 'a.csv' })
  })

  it('lets each of two handles read the writes of the other', async () => {
    const path = freshPath()
    const one = sqliteStore({ database: await open(path), now, wait })
    const two = sqliteStore({ database: await open(path), now, wait })
    await one.put('file/1', 1)
    expect(await two.get('file/1')).toBe(1)
    expect(await two.put('file/1', 2, { ifAbsent: true })).toBe(false)
  })

  it('removes expired values that are never read again', async () => {
    const { now, advance } = testClock()
    const database = await open(freshPath())
    const store = sqliteStore({ database, now, wait })
    await store.put('old', 1, { ttl: 60 })
    advance(3600)
    await store.put('new', 1)
    expect(database.prepare('SELECT key FROM entries').all()).toEqual([{ key: 'new' }])
  })

  it('refuses a file of a newer cfile and leaves it unchanged', async () => {
    const database = await open(freshPath())
    sqliteStore({ database, now, wait })
    database.exec('PRAGMA user_version = 99')
    expect(() => sqliteStore({ database, now, wait })).toThrow(/version 99.*CFILE_STORE/)
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 99 })
  })

  it('rolls back a migration that fails halfway', async () => {
    const database = await open(freshPath())
    database.exec('CREATE TABLE other (x); CREATE INDEX entries_by_expiry ON other (x)')
    expect(() => sqliteStore({ database, now, wait })).toThrow('entries_by_expiry')
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 0 })
    expect(database.prepare("SELECT name FROM sqlite_master WHERE name = 'entries'").all()).toEqual(
      [],
    )
  })

  it('lets processes that start at once share the file without lost records or double claims', async () => {
    const path = freshPath()
    const won = await Promise.all(['a', 'b', 'c'].map((name) => runWriter(path, name)))
    const store = sqliteStore({ database: await open(path), now, wait })
    expect(await store.list('file/', { limit: 1000 })).toHaveLength(3 * 150)
    expect(won.flat().toSorted()).toEqual(Array.from({ length: 150 }, (_, index) => index + 1000))
  })
})

/**
 * Starts a process that writes 150 records and claims the same 150 leases as the others. Returns the leases that it
 * got.
 */
async function runWriter(path: string, name: string): Promise<number[]> {
  const source = `
    import { openSqlite, sqliteStore } from ${JSON.stringify(new URL('../../src/stores/sqlite.ts', import.meta.url))}
    const database = await openSqlite(${JSON.stringify(path)})
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
    const store = sqliteStore({ database, now: () => ${now()}, wait })
    const won = []
    for (let index = 1000; index < 1150; index += 1) {
      await store.put('file/' + index + '/${name}', index)
      if (await store.put('lease/' + index, '${name}', { ifAbsent: true, ttl: 60 })) won.push(index)
    }
    console.log(JSON.stringify(won))`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  await new Promise((resolve) => child.on('close', resolve))
  return JSON.parse(output)
}

import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { type D1Binding, d1Store } from '../../src/stores/d1.ts'
import { testClock } from './clock.ts'
import { storeContract } from './contract.ts'

const database = env.FILES_DB

storeContract('Cloudflare D1 in workerd', async () => {
  const { now, advance } = testClock()
  return { store: d1Store({ database, now }), advance }
})

const now = () => 1_790_000_000

async function run(sql: string): Promise<readonly unknown[]> {
  return (await database.prepare(sql).all()).results
}

describe('a store in D1 and its schema', () => {
  beforeEach(async () => {
    await run('DROP TABLE IF EXISTS cfile_entries')
    await run('DROP TABLE IF EXISTS cfile_migrations')
  })

  it('creates its tables once in an empty database, even if many isolates start at once', async () => {
    const stores = Array.from({ length: 10 }, () => d1Store({ database, now }))
    await Promise.all(stores.map((store, index) => store.put(`file/${index}`, index)))
    expect(await stores[0]?.list('file/')).toHaveLength(10)
    expect(await run('SELECT version FROM cfile_migrations')).toEqual([{ version: 1 }])
  })

  it('keeps the records of an earlier deployment', async () => {
    await d1Store({ database, now }).put('file/1', 'kept')
    expect(await d1Store({ database, now }).get('file/1')).toBe('kept')
  })

  it('refuses a database of a newer cfile, to avoid damage', async () => {
    await d1Store({ database, now }).put('file/1', 1)
    await run('INSERT INTO cfile_migrations (version) VALUES (99)')
    await expect(d1Store({ database, now }).get('file/1')).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('version 99'),
    })
  })

  it('tries again after the database failed', async () => {
    let fails = true
    const flaky: D1Binding = {
      prepare: (sql) => database.prepare(sql),
      batch: (statements) =>
        fails ? Promise.reject(new Error('D1_ERROR: timed out')) : database.batch(statements),
    }
    const store = d1Store({ database: flaky, now })
    await expect(store.get('file/1')).rejects.toThrow('timed out')
    fails = false
    expect(await store.get('file/1')).toBeUndefined()
  })

  it('removes expired values that are never read again', async () => {
    const { now, advance } = testClock()
    const store = d1Store({ database, now })
    await store.put('old', 1, { ttl: 60 })
    advance(3600)
    await store.put('new', 1)
    expect(await run('SELECT key FROM cfile_entries')).toEqual([{ key: 'new' }])
  })
})

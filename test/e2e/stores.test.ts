/**
 * The stores on real engines.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { createStorage } from 'unstorage'
import redisDriver from 'unstorage/drivers/redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { webRuntime } from '../../src/runtime.ts'
import { openRedis } from '../../src/start/server-storage.ts'
import { type RedisClient, redisStore } from '../../src/stores/redis.ts'
import { type SqliteDatabase, sqliteStore } from '../../src/stores/sqlite.ts'
import { unstorageStore } from '../../src/stores/unstorage.ts'
import { storeContract } from '../stores/contract.ts'
import { describeWith } from './engines.ts'
import { type Redis, startRedis } from './redis.ts'

const now = () => Date.now() / 1000
const { wait } = webRuntime

describeWith(['redis-server'], 'Redis', (path) => {
  let redis: Redis
  const ends: (() => unknown)[] = []

  beforeAll(async () => {
    redis = await startRedis(path)
  })

  afterAll(async () => {
    for (const end of ends) await end()
    await redis.end()
  })

  storeContract('Redis by the package redis', async () => {
    const client = createClient({ url: redis.url })
    await client.connect()
    ends.push(() => client.destroy())
    return { store: redisStore({ client: client as RedisClient }) }
  })

  storeContract('Redis as redis:// opens it', async () => {
    const { client, close } = await openRedis(redis.url, { wait, log: () => {} })
    ends.push(close)
    return { store: redisStore({ client, prefix: '{opened}:' }) }
  })

  storeContract('Redis through unstorage', async () => {
    const storage = createStorage({ driver: redisDriver({ url: redis.url, base: 'un' }) })
    ends.push(() => storage.dispose())
    return { store: unstorageStore({ storage, now }) }
  })

  describe('a connection that redis:// opens', () => {
    it('refuses at once while Redis is down, soon while it hangs, and recovers by itself', async () => {
      const own = await startRedis(path)
      const { client, close } = await openRedis(own.url, { wait, log: () => {} })
      const store = redisStore({ client })
      await store.put('file/1', 1)
      await own.stop()
      const began = Date.now()
      await expect(store.get('file/1')).rejects.toThrow()
      await expect(store.get('file/1')).rejects.toThrow()
      expect(Date.now() - began).toBeLessThan(1000)
      await own.start()
      await until(async () => (await store.put('file/1', 2).catch(() => false)) === true)
      own.pause()
      await expect(store.get('file/1')).rejects.toThrow()
      own.resume()
      await until(async () => (await store.get('file/1').catch(() => undefined)) === 2)
      await close()
      await own.end()
    })
  })
})

async function until(isDone: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await isDone()) return
    await wait(100)
  }
  throw new Error('It did not come to that.')
}

describe('files', async () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cfile-e2e-'))
  })

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  // It is built while it is installed, which not every machine can do.
  const better = constructorOf(await import('better-sqlite3' as string).catch(() => undefined))
  const want = better === undefined ? ' (skipped: no better-sqlite3)' : ''
  describe.skipIf(better === undefined)(`better-sqlite3${want}`, () => {
    storeContract('a SQLite file by better-sqlite3', async () => {
      const database = better && new better(join(folder, 'better.db'))
      return {
        store: sqliteStore({ database: database as SqliteDatabase, now, wait }),
      }
    })
  })
})

function constructorOf(module?: { default: new (path: string) => SqliteDatabase }) {
  return module?.default
}

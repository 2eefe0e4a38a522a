import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { parseEnv } from '../../src/start/settings/settings.ts'
import { storageTools } from '../../src/start/storage.ts'
import { type Bindings, openWorkerStorage } from '../../src/start/worker-storage.ts'
import { bodyOf, testBytes, testSha256 } from '../archives/contract.ts'

const { FILES_DB, FILES_KV, FILES_BUCKET } = env

async function open(bindings: Bindings, settings: Record<string, string> = {}) {
  const parsed = parseEnv(settings)
  return openWorkerStorage(
    parsed,
    bindings,
    storageTools(() => {}, testSha256),
  )
}

async function isIn(database: typeof FILES_DB, key: string): Promise<boolean> {
  const query = database.prepare('SELECT key FROM cfile_entries WHERE key = ?').bind(key)
  return (await query.all()).results.length > 0
}

describe('a Worker', () => {
  it('uses D1 if it is bound, before any other binding', async () => {
    const { store } = await open({ NAME: 'text', FILES_KV, FILES_DB })
    await store.put('opened/d1', 1)
    expect(await isIn(FILES_DB, 'opened/d1')).toBe(true)
  })

  it('stores records in KV if no D1 is bound', async () => {
    const { store } = await open({ FILES_BUCKET, FILES_KV })
    await store.put('opened/kv', 1)
    expect((await FILES_KV.getWithMetadata('opened/kv', 'text')).value).toBe('1')
  })

  it('accepts each form of CFILE_STORE and CFILE_ARCHIVE', async () => {
    const settings = { CFILE_STORE: 'kv:FILES_KV', CFILE_ARCHIVE: 'r2:FILES_BUCKET' }
    const { store, archive } = await open({ ...env }, settings)
    await store.put('opened/named', 1)
    expect((await FILES_KV.getWithMetadata('opened/named', 'text')).value).toBe('1')
    await archive?.put('opened/f', bodyOf(testBytes(3)), { owner: 'opened', file_id: 'f' })
    const { objects } = await FILES_BUCKET.list({ prefix: 'records/opened/' })
    expect(objects).toHaveLength(1)
  })

  it('says which name is not bound, or is bound to something else', async () => {
    await expect(open({}, { CFILE_STORE: 'd1:DB' })).rejects.toThrow('DB, which is not bound')
    await expect(open({ DB: FILES_KV }, { CFILE_STORE: 'd1:DB' })).rejects.toThrow('another kind')
    await expect(open({}, { CFILE_STORE: 'sqlite:x' })).rejects.toThrow('CFILE_STORE is sqlite:')
    await expect(open({}, { CFILE_ARCHIVE: 'fs:x' })).rejects.toThrow('CFILE_ARCHIVE is fs:')
  })
})

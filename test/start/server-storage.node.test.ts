import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStorage } from '../../src/node.ts'
import { openApp } from '../../src/start/open-app.ts'
import { parseEnv } from '../../src/start/settings/settings.ts'
import type { Storage } from '../../src/start/storage.ts'
import { bodyOf, testBytes } from '../archives/contract.ts'

let root: string
let folders = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cfile-storage-'))
})

afterAll(async () => {
  await rm(root, { recursive: true })
})

const azure = {
  AZURE_OPENAI_ENDPOINT: 'https://res.openai.azure.com',
  AZURE_OPENAI_API_KEY: 'key',
  LOG_LEVEL: 'silent',
}

function freshFolder(): string {
  folders += 1
  return join(root, String(folders))
}

async function open(env: Record<string, string>): Promise<Storage> {
  return openStorage(parseEnv(env))
}

describe('a server', () => {
  it('keeps its records over a restart without any setting, in the data folder', async () => {
    const env = { ...azure, CFILE_DATA_DIR: freshFolder() }
    const before = await open(env)
    await before.store.put('file/1', 1)
    await before.close()
    expect(await readdir(env.CFILE_DATA_DIR)).toContain('cfile.db')
    const after = await open(env)
    expect(await after.store.get('file/1')).toBe(1)
    await after.close()
  })

  it('keeps no ids of an emulator that has ended, unless CFILE_STORE names a file', async () => {
    const folder = freshFolder()
    const { store } = await open({ CFILE_DATA_DIR: folder })
    await store.put('file/1', 1)
    await expect(readdir(folder)).rejects.toThrow('ENOENT')
    const path = join(folder, 'own.db')
    const storage = await open({ CFILE_STORE: `sqlite:${path}` })
    await storage.close()
    expect(await readdir(folder)).toContain('own.db')
  })

  it('keeps copies in the folder that CFILE_ARCHIVE names', async () => {
    const folder = freshFolder()
    const { archive } = await open({ CFILE_ARCHIVE: `fs:${folder}` })
    await archive?.put('o/f', bodyOf(testBytes(3)), { owner: 'o', file_id: 'f' })
    expect(await readdir(folder)).toContain('records')
  })

  it('names the setting of an engine that a server does not have', async () => {
    await expect(open({ CFILE_STORE: 'd1:DB' })).rejects.toThrow('CFILE_STORE is d1:')
    await expect(open({ CFILE_ARCHIVE: 'r2:B' })).rejects.toThrow('CFILE_ARCHIVE is r2:')
  })

  it('starts with an Azure Blob archive that has neither key nor SAS: Entra signs in when it is used', async () => {
    const url = 'azblob:https://acc.blob.core.windows.net/files'
    const { archive, close } = await open({ CFILE_ARCHIVE: url, CFILE_STORE: 'memory:' })
    expect(archive).toBeDefined()
    await close()
  })

  it('starts although Redis is down, names the setting, and refuses requests that need it at once', async () => {
    const lines: unknown[] = []
    const settings = parseEnv({ CFILE_STORE: 'redis://:hush@127.0.0.1:1' })
    const { store, close } = await openStorage(settings, (...line) => lines.push(line))
    await expect(store.get('file/1')).rejects.toThrow()
    await close()
    expect(lines).toContainEqual([
      'error',
      expect.stringContaining('Redis does not answer'),
      {
        setting: 'CFILE_STORE',
        cause: 'ECONNREFUSED',
        hint: expect.stringContaining('host, port'),
      },
    ])
    expect(JSON.stringify(lines)).not.toContain('hush')
  })

  it('names the setting of a database that cannot be opened', async () => {
    await expect(open({ CFILE_STORE: 'sqlite:/dev/null/x.db' })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('CFILE_STORE is sqlite:/dev/null/x.db, which can not be'),
      details: { hint: expect.stringContaining('Set CFILE_STORE') },
    })
    await expect(open({ ...azure, CFILE_DATA_DIR: '/dev/null/x' })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('CFILE_DATA_DIR is /dev/null/x'),
      details: { hint: expect.stringContaining('Set CFILE_DATA_DIR') },
    })
  })
})

// Node's own recursive `mkdir` never ends in `/proc/self/x`.
const unusable = ['/proc/self/x/y', '/proc/x', '/dev/full', '/dev/null/x', 'a pipe']

function pathOf(name: string): string {
  if (name.startsWith('/')) return name
  const path = freshFolder()
  if (name === 'a pipe') execFileSync('mkfifo', [path])
  else mkdirSync(path)
  return path
}

describe.runIf(process.platform === 'linux')('a server without a usable store or archive', () => {
  it.each([...unusable, 'a folder'])('names the setting when its database is %s', async (name) => {
    const path = pathOf(name)
    await expect(open({ CFILE_STORE: `sqlite:${path}` })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(`CFILE_STORE is sqlite:${path}, which can not be`),
    })
  })

  it.each(unusable)('names the setting when its archive is %s', async (name) => {
    const env = { CFILE_STORE: 'memory:', CFILE_ARCHIVE: `fs:${pathOf(name)}` }
    const { archive } = await open(env)
    const copy = archive?.put('o/f', bodyOf(testBytes(3)), { owner: 'o', file_id: 'f' })
    await expect(copy).rejects.toMatchObject({
      code: 'not_ready',
      details: { hint: expect.stringContaining('CFILE_ARCHIVE') },
    })
  })
})

describe('an app of settings that name a store or an archive', () => {
  it('is refused instead of opened with the default', () => {
    const settings = parseEnv({ ...azure, CFILE_STORE: 'redis://127.0.0.1:1' })
    expect(() => openApp(settings)).toThrow(/CFILE_STORE.*openStorage/)
  })
})

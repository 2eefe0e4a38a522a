import { spawn } from 'node:child_process'
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Archive } from '../../src/archives/archive.ts'
import { fsArchive } from '../../src/archives/fs.ts'
import { DamagedCopy } from '../../src/core/bytes/failures.ts'
import { archiveContract, bodyOf, testBytes } from './contract.ts'

let root: string
let folders = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cfile-archive-'))
})

afterAll(async () => {
  await rm(root, { recursive: true })
})

function freshFolder(): string {
  folders += 1
  return join(root, String(folders), 'archive')
}

archiveContract('a folder', async () => {
  const folder = freshFolder()
  return {
    archive: fsArchive({ folder }),
    async damage(key, bytes) {
      const [owner = '', id = ''] = key.split('/')
      const names = await readdir(join(folder, 'files', owner))
      const path = join(folder, 'files', owner, names.find((name) => name.startsWith(id)) ?? '')
      await (bytes ? writeFile(path, bytes) : rm(path))
    },
  }
})

const meta = { owner: 'o', file_id: 'f' }
const host = hostname().replace(/[^\w-]/g, '_')

describe('an archive in a folder', () => {
  it('leaves no incomplete file when a copy fails', async () => {
    const folder = freshFolder()
    const archive = fsArchive({ folder })
    await expect(archive.put('o/f', bodyOf(testBytes(9)), meta, { bytes: 8 })).rejects.toThrow()
    expect(await readdir(join(folder, 'partial'))).toEqual([])
    await expect(readdir(join(folder, 'files'))).rejects.toThrow('ENOENT')
  })

  it('cannot be read by other users of the machine', async () => {
    const folder = freshFolder()
    await fsArchive({ folder }).put('o/f', bodyOf(testBytes(9)), meta)
    for (const name of ['records', 'files', 'partial', 'records/o', 'files/o'])
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o700)
    for (const name of await readdir(join(folder, 'files/o')))
      expect((await stat(join(folder, 'files/o', name))).mode & 0o777).toBe(0o600)
  })

  it('removes leftovers of ended processes on this machine at once, and of others when they are old', async () => {
    const folder = freshFolder()
    const partial = join(folder, 'partial')
    await mkdir(partial, { recursive: true })
    const dead = await deadPid()
    const leave = async (name: string, age: number) => {
      await writeFile(join(partial, name), 'half')
      const time = Date.now() / 1000 - age
      await utimes(join(partial, name), time, time)
    }
    await leave(`${host}.${dead}.a.1`, 0)
    // A restarted container has the same host name and the same pid.
    await leave(`${host}.${process.pid}.b.1`, 0)
    await leave(`${host}.${process.ppid}.c.1`, 0)
    await leave('elsewhere.1.d.1', 0)
    await leave('elsewhere.1.e.1', 7200)
    const before = Math.floor(Date.now() / 1000) - 3600
    await fsArchive({ folder }).removeLeftovers({ before })
    expect(await readdir(partial)).toEqual(['elsewhere.1.d.1', `${host}.${process.ppid}.c.1`])
  })

  it('removes old bytes whose record was never written', async () => {
    const folder = freshFolder()
    const archive = fsArchive({ folder })
    await archive.put('o/f', bodyOf(testBytes(9)), meta)
    await writeFile(join(folder, 'files/o', `g.${'0'.repeat(64)}`), 'x')
    await writeFile(join(folder, 'files/o', `f.${'0'.repeat(64)}`), 'x')
    await archive.removeLeftovers({ before: 0 })
    expect(await readdir(join(folder, 'files/o'))).toHaveLength(3)
    await archive.removeLeftovers({ before: Date.now() })
    expect(await readdir(join(folder, 'files/o'))).toHaveLength(1)
    expect((await archive.get('o/f'))?.bytes).toBe(9)
  })

  it('names the failed operation and what to check when the disk fails', async () => {
    const folder = freshFolder()
    await mkdir(join(folder, '..'), { recursive: true })
    await writeFile(folder, 'a file where the folder should be')
    const archive = fsArchive({ folder })
    await expect(archive.put('o/f', bodyOf(testBytes(9)), meta)).rejects.toMatchObject({
      code: 'not_ready',
      details: { hint: expect.stringContaining('CFILE_ARCHIVE') },
    })
    await expect(archive.get('o/f')).rejects.toMatchObject({ code: 'not_ready' })
  })

  it('returns no part of a copy whose bytes on disk changed, before or after its first read', async () => {
    const folder = freshFolder()
    const bytes = testBytes(2_000_000)
    const { sha256 } = await fsArchive({ folder }).put('o/f', bodyOf(bytes), meta)
    const path = join(folder, `files/o/f.${sha256}`)
    const other = bytes.slice()
    other[1_500_000] = (other[1_500_000] ?? 0) ^ 1
    const archive = fsArchive({ folder })
    const open = async () => (await archive.get('o/f'))?.open({ range: { start: 0, end: 9 } })
    for (let times = 0; times < 2; times += 1) {
      await writeFile(path, other)
      await expect(open()).rejects.toBeInstanceOf(DamagedCopy)
      await writeFile(path, bytes)
      expect(await new Response(await open()).bytes()).toEqual(bytes.slice(0, 10))
    }
  })

  it('follows no link to a file: a linked record counts as absent, linked bytes as damaged', async () => {
    const folder = freshFolder()
    const archive = fsArchive({ folder })
    const bytes = testBytes(9)
    const { sha256 } = await archive.put('o/f', bodyOf(bytes), meta)
    const outside = join(root, 'outside')
    const body = join(folder, `files/o/f.${sha256}`)
    const record = join(folder, 'records/o/f.json')
    await rename(body, outside)
    await symlink(outside, body)
    await expect((await archive.get('o/f'))?.open()).rejects.toBeInstanceOf(DamagedCopy)
    await rm(body)
    await rename(outside, body)
    expect(await read(archive)).toEqual(bytes)
    await rename(record, outside)
    await symlink(outside, record)
    expect(await archive.get('o/f')).toBeUndefined()
    expect(await namesOf(archive)).toEqual([])
    await archive.put('o/f', bodyOf(bytes), meta)
    expect(await read(archive)).toEqual(bytes)
    expect((await lstat(record)).isSymbolicLink()).toBe(false)
    expect((await stat(outside)).isFile()).toBe(true)
  })

  it.each(['records', 'files', 'partial', 'records/o', 'files/o'])(
    'neither reads nor writes through %s if that is a link, and reports the link',
    async (name) => {
      const folder = freshFolder()
      const outside = join(folder, '..', 'outside')
      await mkdir(join(folder, name, '..'), { recursive: true })
      await mkdir(outside)
      const elsewhere = fsArchive({ folder: outside })
      await elsewhere.put('o/f', bodyOf(testBytes(9)), meta)
      await writeFile(join(outside, 'files/o', `g.${'0'.repeat(64)}`), 'x')
      const before = await readdir(outside, { recursive: true })
      await symlink(join(outside, name), join(folder, name))
      const archive = fsArchive({ folder })
      await expect(archive.put('o/f', bodyOf(testBytes(7)), meta)).rejects.toMatchObject({
        code: 'not_ready',
        details: { hint: expect.stringContaining(name) },
      })
      await expect(read(archive).catch((error) => error.code)).resolves.not.toEqual(testBytes(9))
      expect(await namesOf(archive).catch((error) => [error.code])).not.toEqual(['o/f'])
      await archive.removeLeftovers({ before: Number.MAX_SAFE_INTEGER }).catch(() => {})
      await archive.delete('o/f').catch(() => {})
      expect(await readdir(outside, { recursive: true })).toEqual(before)
      expect(await read(elsewhere)).toEqual(testBytes(9))
    },
  )

  it('may itself be a link, because the operator configured it', async () => {
    const folder = freshFolder()
    await mkdir(folder, { recursive: true })
    const link = join(folder, '..', 'link')
    await symlink(folder, link)
    const archive = fsArchive({ folder: link })
    await archive.put('o/f', bodyOf(testBytes(9)), meta)
    expect(await read(archive)).toEqual(testBytes(9))
  })
})

async function read(archive: Archive): Promise<Uint8Array | undefined> {
  const found = await archive.get('o/f')
  return found && new Response(await found.open()).bytes()
}

async function namesOf(archive: Archive): Promise<string[]> {
  const names: string[] = []
  for await (const { key } of archive.list()) names.push(key)
  return names
}

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await new Promise((resolve) => child.on('close', resolve))
  return child.pid ?? 0
}

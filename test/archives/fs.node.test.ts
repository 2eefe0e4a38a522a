import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fsArchive } from '../../src/archives/fs.ts'
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

archiveContract('a folder', async () => ({ archive: fsArchive({ folder: freshFolder() }) }))

const meta = { owner: 'o', file_id: 'f' }
const host = hostname().replace(/[^\w-]/g, '_')

describe('an archive in a folder', () => {
  it('leaves nothing half behind when a copy fails', async () => {
    const folder = freshFolder()
    const archive = fsArchive({ folder })
    await expect(archive.put('o/f', bodyOf(testBytes(9)), meta, { bytes: 8 })).rejects.toThrow()
    expect(await readdir(join(folder, 'partial'))).toEqual([])
    await expect(readdir(join(folder, 'files'))).rejects.toThrow('ENOENT')
  })

  it('is closed to other users of the machine', async () => {
    const folder = freshFolder()
    await fsArchive({ folder }).put('o/f', bodyOf(testBytes(9)), meta)
    for (const name of ['records', 'files', 'partial', 'records/o', 'files/o'])
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o700)
    for (const name of await readdir(join(folder, 'files/o')))
      expect((await stat(join(folder, 'files/o', name))).mode & 0o777).toBe(0o600)
  })

  it('removes at once what a dead process of this machine left, and what another one did when it is old', async () => {
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
    // A container that was started anew has the same name and the same pid.
    await leave(`${host}.${process.pid}.b.1`, 0)
    await leave(`${host}.${process.ppid}.c.1`, 0)
    await leave('elsewhere.1.d.1', 0)
    await leave('elsewhere.1.e.1', 7200)
    const before = Math.floor(Date.now() / 1000) - 3600
    await fsArchive({ folder }).sweep({ before })
    expect(await readdir(partial)).toEqual(['elsewhere.1.d.1', `${host}.${process.ppid}.c.1`])
  })

  it('removes bytes whose record was never written, when they are old', async () => {
    const folder = freshFolder()
    const archive = fsArchive({ folder })
    await archive.put('o/f', bodyOf(testBytes(9)), meta)
    await writeFile(join(folder, 'files/o', `g.${'0'.repeat(64)}`), 'x')
    await writeFile(join(folder, 'files/o', `f.${'0'.repeat(64)}`), 'x')
    await archive.sweep({ before: 0 })
    expect(await readdir(join(folder, 'files/o'))).toHaveLength(3)
    await archive.sweep({ before: Date.now() })
    expect(await readdir(join(folder, 'files/o'))).toHaveLength(1)
    expect((await archive.get('o/f'))?.bytes).toBe(9)
  })

  it('says which step failed and what to check, where the disk refuses', async () => {
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

  it('breaks a download whose bytes on the disk were cut', async () => {
    const folder = freshFolder()
    const archive = fsArchive({ folder })
    const { sha256 } = await archive.put('o/f', bodyOf(testBytes(9)), meta)
    await writeFile(join(folder, `files/o/f.${sha256}`), 'short')
    const body = await (await archive.get('o/f'))?.open()
    await expect(new Response(body).arrayBuffer()).rejects.toThrow()
  })
})

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await new Promise((resolve) => child.on('close', resolve))
  return child.pid ?? 0
}

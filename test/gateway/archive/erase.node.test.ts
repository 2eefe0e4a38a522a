/**
 * Copies on a disk that were changed by something else than the gateway.
 */

import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { fsArchive } from '../../../src/archives/fs.ts'
import { nodeRuntime } from '../../../src/node.ts'
import { type Archived, openArchived } from '../../lib/archived.ts'
import { type CitedFile, errorCode, sha256 } from '../../lib/harness.ts'
import { overHttp } from '../../lib/served.ts'
import { unzip } from '../../lib/unzip.ts'

const damages: Readonly<Record<string, (path: string) => Promise<void>>> = {
  'other bytes': async (path) => {
    const bytes = await readFile(path)
    bytes[bytes.byteLength >> 1] = (bytes[bytes.byteLength >> 1] ?? 0) ^ 1
    await writeFile(path, bytes)
  },
  'too few': async (path) => truncate(path, (await readFile(path)).byteLength >> 1),
  'too many': async (path) => writeFile(path, 'x', { flag: 'a' }),
  'no bytes': (path) => truncate(path),
  'no file': (path) => rm(path),
}

let folder: string
let gateway: Archived

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cfile-damaged-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const archive = fsArchive({ folder })
  gateway = await overHttp(openArchived({ ...nodeRuntime(), archive, linkTtl: 86_400 }))
})

interface Copied {
  readonly file: CitedFile
  readonly hash: string
  readonly bytes: number
  damage(kind: string): Promise<void>
}

/** A file that was downloaded and copied. */
async function copied(size: string): Promise<Copied> {
  const file = (await gateway.respond(`Save a ${size} binary file.`)).at(-1)
  if (file === undefined) throw new Error('no file was cited')
  const whole = await (await gateway.ask(`/files/${file.file_id}`)).arrayBuffer()
  await gateway.settled()
  await gateway.requests()
  return {
    file,
    hash: await sha256(whole),
    bytes: whole.byteLength,
    async damage(kind) {
      const bodies = join(folder, 'files/anyone')
      const name = (await readdir(bodies)).find((one) => one.startsWith(file.file_id)) ?? ''
      await damages[kind]?.(join(bodies, name))
    },
  }
}

const hashOf = async (answer: Response) => sha256(await answer.arrayBuffer())

describe.each(['20 KB', '300 KB', '3 MB'])('a damaged copy of %s', (size) => {
  describe.each(Object.keys(damages))('with %s', (kind) => {
    it('breaks no download while the container lives, and is copied again', async () => {
      const { file, hash, bytes, damage } = await copied(size)
      const inContainer = `/containers/${file.container_id}`
      const paths = [`/files/${file.file_id}`, `${inContainer}/path/${file.filename}`]
      for (const path of paths) {
        await damage(kind)
        const answer = await gateway.ask(path)
        expect(answer.status).toBe(200)
        expect(await hashOf(answer), path).toBe(hash)
        await gateway.settled()
      }
      await damage(kind)
      const part = await gateway.ask(paths[0] ?? '', { headers: { range: `bytes=${bytes - 9}-` } })
      expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 9])
      await gateway.settled()
      await damage(kind)
      const zip = await (await gateway.ask(`${inContainer}/files.zip`)).arrayBuffer()
      const zipped = [...unzip(new Uint8Array(zip)).values()]
      expect(await Promise.all(zipped.map((one) => sha256(one.slice().buffer)))).toContain(hash)
      await gateway.settled()
      // The new copy is right and outlives the container.
      gateway.advance(2 * 3600)
      await gateway.requests()
      expect(await hashOf(await gateway.ask(paths[0] ?? ''))).toBe(hash)
      expect(await gateway.requests()).toEqual([])
    })

    it('is never served after the container has expired, and the error says so', async () => {
      const { file, damage } = await copied(size)
      gateway.advance(2 * 3600)
      await damage(kind)
      const listed = `/containers/${file.container_id}/files`
      expect((await gateway.ask(listed)).status).toBe(200)
      for (let times = 0; times < 2; times += 1) {
        const answer = await gateway.ask(`/files/${file.file_id}`)
        expect([answer.status, await errorCode(answer)]).toEqual([410, 'container_expired'])
        await gateway.settled()
      }
      expect((await gateway.ask(`${listed.slice(0, -6)}/path/${file.filename}`)).status).toBe(410)
    })
  })
})

/**
 * Two gateways on one Redis: both know every record, and each file is copied once.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type Child, startServer } from '../lib/child.ts'
import { type CitedFile, citedFiles, json, responseRequest } from '../lib/harness.ts'
import { hash, startAzure } from './azure.ts'
import { describeWith } from './engines.ts'
import { startRedis } from './redis.ts'

declare const __LONG__: boolean
const [captures, atOnce] = [__LONG__ ? 2000 : 100, 8]

describeWith(['redis-server'], 'two instances on one Redis', (path) => {
  it(`know each of ${captures} files at once, keep them all, and copy each once`, async () => {
    const { azure, servers } = await startTwo(path)
    const files: CitedFile[] = []
    const misses: string[] = []
    // Downloads that a copy was not there for yet.
    const fromAzure: string[] = []
    let index = 0
    async function work(): Promise<void> {
      while (index < captures) {
        index += 1
        const [first, second] = index % 2 === 0 ? servers : servers.toReversed()
        const asked = json(responseRequest(`Write table_${index}.csv`))
        const answer = await (await fetch(`${first?.url}/openai/v1/responses`, asked)).json()
        // Both are told of it, and both want the copy.
        const told = fetch(`${second?.url}/captures`, json(answer))
        for (const file of citedFiles(answer)) {
          files.push(file)
          const got = await fetch(`${second?.url}/files/${file.file_id}`)
          if (!got.ok) misses.push(`${got.status} ${file.file_id}`)
          if (!got.headers.has('repr-digest')) fromAzure.push(file.file_id)
          await got.arrayBuffer()
        }
        expect((await told).status).toBe(200)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    expect(misses).toEqual([])
    expect(files).toHaveLength(captures)
    await settled(servers, files)
    const downloads = countEach(fromAzure)
    const copies = countEach(azure.contents)
    for (const [id, times] of downloads) copies.set(id, (copies.get(id) ?? 0) - times)
    const oncePerFile = files.map(({ file_id }): [string, number] => [file_id, 1])
    expect(new Map([...copies].sort())).toEqual(new Map(oncePerFile.sort()))
    process.stdout.write(
      `${files.length} files on two instances: ${fromAzure.length} downloads came before their copy, ${azure.contents.length - fromAzure.length} copies were made.\n`,
    )
    azure.advance(2 * 3600)
    const [one, two] = servers
    for (const { file_id } of files) {
      const [a, b] = await Promise.all(
        [one, two].map(async (server) => hash(await fetch(`${server?.url}/files/${file_id}`))),
      )
      expect(a).toMatch(/^[0-9a-f]{64}$/)
      expect(b).toBe(a)
    }
  }, 900_000)
})

function countEach(ids: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

async function startTwo(path: string) {
  const azure = await startAzure()
  const redis = await startRedis(path)
  const folder = await mkdtemp(join(tmpdir(), 'cfile-two-'))
  const env = {
    ...azure.env,
    CFILE_STORE: redis.url,
    CFILE_ARCHIVE: `fs:${folder}`,
    CFILE_SIGNING_KEYS: `one:${'k'.repeat(40)}`,
    LOG_LEVEL: 'warn',
  }
  const servers: Child[] = await Promise.all([startServer(env), startServer(env)])
  onTestFinished(async () => {
    for (const server of servers) await server.stop()
    await azure.close()
    await redis.end()
    await rm(folder, { recursive: true, force: true })
  })
  return { azure, servers, folder }
}

/** Resolves when each file has a copy, which shows by the hash that only a copy has. */
async function settled(servers: readonly Child[], files: readonly CitedFile[]): Promise<void> {
  for (const { file_id } of files) {
    for (let tries = 0; ; tries += 1) {
      const head = await fetch(`${servers[0]?.url}/files/${file_id}`, { method: 'HEAD' })
      if (head.headers.has('repr-digest')) break
      expect(tries).toBeLessThan(600)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

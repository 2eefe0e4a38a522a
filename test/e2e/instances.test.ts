/**
 * Two gateways on one Redis: what one records, both know, and each file is copied once.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type Child, startServer } from '../child.ts'
import { type CitedFile, citedFiles, json, responseRequest } from '../harness.ts'
import { hash, startAzure } from './azure.ts'
import { describeWith } from './engines.ts'
import { startRedis } from './redis.ts'

declare const __LONG__: boolean
const [captures, atOnce] = [__LONG__ ? 2000 : 100, 8]

describeWith(['redis-server'], 'two instances on one Redis', (path) => {
  it(`know each of ${captures} files at once, and keep them all`, async () => {
    const { azure, servers } = await startTwo(path)
    const files: CitedFile[] = []
    const misses: string[] = []
    let index = 0
    async function work(): Promise<void> {
      while (index < captures) {
        index += 1
        const [first, second] = index % 2 === 0 ? servers : servers.toReversed()
        const asked = json(responseRequest(`Write table_${index}.csv`))
        const answer = await fetch(`${first?.url}/openai/v1/responses`, asked)
        for (const file of citedFiles(await answer.json())) {
          files.push(file)
          const got = await fetch(`${second?.url}/files/${file.file_id}`)
          if (!got.ok) misses.push(`${got.status} ${file.file_id}`)
          await got.arrayBuffer()
        }
      }
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    expect(misses).toEqual([])
    expect(files).toHaveLength(captures)
    await settled(servers, files)
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

  it('fetch a file once that both are told of', async () => {
    const { azure, servers } = await startTwo(path)
    const [one, two] = servers
    const answer = await fetch(
      `${one?.url}/openai/v1/responses`,
      json(responseRequest('Write a CSV')),
    )
    const body = await answer.text()
    const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } }
    await Promise.all([1, 2, 3].map(() => fetch(`${two?.url}/captures`, init)))
    await settled(servers, citedFiles(JSON.parse(body)))
    expect(await azure.contents()).toHaveLength(1)
  })
})

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

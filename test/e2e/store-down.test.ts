/**
 * Redis goes down, hangs and comes back while the gateway runs.
 */

import { expect, it, onTestFinished } from 'vitest'
import { type Child, patient, startServer } from '../lib/child.ts'
import { errorCode, json, responseRequest } from '../lib/harness.ts'
import { hash, startAzure } from './azure.ts'
import { describeWith } from './engines.ts'
import { freshFolder } from './programs.ts'
import { startRedis } from './redis.ts'

interface Linked {
  readonly container_id: string
  readonly file_id: string
  readonly download_url: string
}

describeWith(['redis-server'], 'a gateway whose Redis goes down', (path) => {
  it.each(['stop', 'pause'] as const)(
    'serves requests that need no store, answers 503 to others, and recovers by itself (%s)',
    async (how) => {
      const azure = await startAzure()
      const redis = await startRedis(path, { keeps: true })
      const gateway = await startServer({
        ...azure.env,
        CFILE_STORE: redis.url,
        CFILE_ARCHIVE: `fs:${await freshFolder()}`,
        CFILE_LINKS: 'rewrite',
        CFILE_SIGNING_KEYS: `one:${'k'.repeat(40)}`,
        LOG_LEVEL: 'silent',
      })
      onTestFinished(async () => {
        await gateway.stop()
        await azure.close()
        await redis.end()
      })
      const [file, ...links] = await cite(gateway)
      const byId = `${gateway.url}/files/${file.file_id}`
      const container = `${gateway.url}/containers/${file.container_id}`
      const sum = await hash(await fetch(byId))
      const needsStore = [byId, `${container}/files`, `${container}/files.zip`, ...links]

      await redis[how]()
      const isRefused = async (url: string) => {
        const refused = await fetch(url)
        expect([refused.status, await errorCode(refused)], url).toEqual([503, 'not_ready'])
        expect(refused.headers.get('retry-after'), url).toMatch(/^\d+$/)
      }
      await Promise.all([...needsStore, `${gateway.url}/readyz`].map(isRefused))
      expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
      expect(await hash(await fetch(file.download_url))).toBe(sum)
      const part = await fetch(file.download_url, { headers: { range: 'bytes=0-4' } })
      expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 5])

      await (how === 'stop' ? redis.start() : redis.resume())
      await expect.poll(() => ready(gateway), patient).toBe(200)
      for (const url of needsStore) expect(await hash(await fetch(url)), url).toHaveLength(64)
      expect(await hash(await fetch(byId))).toBe(sum)
      const [fresh] = await cite(gateway)
      expect((await fetch(`${gateway.url}/files/${fresh.file_id}`)).status).toBe(200)
    },
  )
})

async function ready({ url }: Child): Promise<number> {
  return (await fetch(`${url}/readyz`)).status
}

/** Lets a model write a file; behind it come links to its path, and to its container's page and zip. */
async function cite({ url }: Child): Promise<[Linked, ...string[]]> {
  const asked = json(responseRequest('Write sales.csv'))
  const answer = await (await fetch(`${url}/openai/v1/responses`, asked)).json()
  const found: Linked[] = []
  JSON.stringify(answer, (_, value) => {
    if (value?.type === 'container_file_citation') found.push(value)
    return value
  })
  const [file] = found
  const [path] = /(?<=\]\()http:[^\s)"]+\/s\/[^\s)"]+/.exec(JSON.stringify(answer)) ?? []
  if (file === undefined || path === undefined) throw new Error('Nothing was cited.')
  const { container_id } = file
  const links = ['page', 'zip'].map(async (kind) => {
    const made = await fetch(`${url}/links`, json({ container_id, kind }))
    return ((await made.json()) as Linked).download_url
  })
  return [file, path, ...(await Promise.all(links))]
}

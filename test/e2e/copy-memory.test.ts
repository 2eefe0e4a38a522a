/**
 * Twenty large files copied at a time: only a piece of each is in memory.
 */

import { describe, expect, it, onTestFinished } from 'vitest'
import { type Child, startServer } from '../lib/child.ts'
import { type CitedFile, citedFiles, json, responseRequest } from '../lib/harness.ts'
import { growthOver } from './memory.ts'
import { freshFolder } from './programs.ts'

declare const __LONG__: boolean
const [copies, megabytes] = [20, __LONG__ ? 200 : 50]
const most = 96 * 1024 ** 2

describe.skipIf(process.platform !== 'linux')(
  `${copies} copies of ${megabytes} MB at a time`,
  () => {
    it('take less than 96 MB of memory, into a folder', async () => {
      const grown = await growthOfCopying({ CFILE_ARCHIVE: `fs:${await freshFolder()}` })
      expect(grown).toBeLessThan(most)
    }, 600_000)
  },
)

async function growthOfCopying(env: Readonly<Record<string, string>>): Promise<number> {
  const azure = await startServer({ CFILE_STORE: 'memory:' })
  const gateway = await startServer({
    AZURE_OPENAI_ENDPOINT: azure.url,
    AZURE_OPENAI_API_KEY: 'any',
    CFILE_STORE: 'memory:',
    CFILE_ARCHIVE_CONCURRENCY: String(copies),
    ...env,
  })
  onTestFinished(async () => {
    await gateway.stop()
    await azure.stop()
  })
  // What a process takes with its first copies is not what large ones take.
  await copied(gateway, await cite(gateway, copies, 1))
  const grown = await growthOver(gateway, async () =>
    copied(gateway, await cite(gateway, copies, megabytes)),
  )
  const shown = (grown / 1024 ** 2).toFixed(0)
  process.stdout.write(`${copies} copies of ${megabytes} MB: RSS grew by ${shown} MB\n`)
  return grown
}

async function cite(gateway: Child, count: number, size: number): Promise<CitedFile[]> {
  const answers = Array.from({ length: count }, async () => {
    const asked = json(responseRequest(`Save a ${size} MB binary file`))
    const answer = await fetch(`${gateway.url}/openai/v1/responses`, asked)
    return citedFiles(await answer.json())
  })
  return (await Promise.all(answers)).flat()
}

/** Resolves when each file has a copy, which shows by the hash that only a copy has. */
async function copied(gateway: Child, files: readonly CitedFile[]): Promise<void> {
  for (const { file_id } of files) {
    for (let tries = 0; ; tries += 1) {
      const head = await fetch(`${gateway.url}/files/${file_id}`, { method: 'HEAD' })
      if (head.headers.has('repr-digest')) break
      expect(tries).toBeLessThan(2400)
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
}

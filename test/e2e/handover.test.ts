/**
 * A copy under way when its instance ends: another instance makes it, without waiting for a lease to expire.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { patient, startServer } from '../lib/child.ts'
import { type CitedFile, citedFiles, json, responseRequest } from '../lib/harness.ts'
import { type Azure, hash, startAzure } from './azure.ts'
import { describeWith } from './engines.ts'
import { freshFolder } from './programs.ts'
import { startWorker } from './worker.ts'

declare const __LONG__: boolean
const leaseMs = 9000

/** Has the model write files whose first copies stall, and waits until the copies have begun. */
async function citeAndStall(azure: Azure, url: string, names: readonly string[]) {
  const stall = { match: { method: 'GET', path: '*/content' }, stall_after: 1000 }
  await azure.fault({ ...stall, times: names.length })
  const files: CitedFile[] = []
  for (const name of names) {
    const asked = json(responseRequest(`Write ${name} of 1 MB`))
    files.push(...citedFiles(await (await fetch(`${url}/openai/v1/responses`, asked)).json()))
  }
  await expect.poll(() => azure.contents.length, patient).toBeGreaterThanOrEqual(2)
  return files
}

/** Milliseconds until an instance serves the copy of each file. */
async function copiedAfter(url: string, files: readonly CitedFile[]): Promise<number> {
  const began = Date.now()
  for (const { file_id } of files) {
    const digest = async () => {
      const head = await fetch(`${url}/files/${file_id}`, { method: 'HEAD' })
      return head.headers.get('repr-digest')
    }
    await expect.poll(digest, { timeout: 40_000, interval: 100 }).toMatch(/^sha-256=/)
  }
  return Date.now() - began
}

async function expectWhole(azure: Azure, url: string, files: readonly CitedFile[]): Promise<void> {
  const sums = new Map<string, string>()
  for (const file of files) sums.set(file.file_id, await azure.hashOf(file))
  azure.advance(2 * 3600)
  for (const { file_id } of files) {
    expect(await hash(await fetch(`${url}/files/${file_id}`))).toBe(sums.get(file_id))
  }
}

it.each(['while it runs', 'that starts later'])(
  'hands the copies of an instance that gets SIGTERM to another one %s',
  async (when) => {
    const azure = await startAzure()
    const folder = await freshFolder()
    const open = async () => {
      const server = await startServer({
        ...azure.env,
        CFILE_STORE: `sqlite:${join(folder, 'store.db')}`,
        CFILE_ARCHIVE: `fs:${join(folder, 'archive')}`,
        CFILE_ARCHIVE_CONCURRENCY: '2',
        LOG_LEVEL: 'silent',
      })
      onTestFinished(() => server.stop())
      return server
    }
    onTestFinished(() => azure.close())
    const first = await open()
    const running = when === 'while it runs' ? await open() : undefined
    // Two copies are under way, and two wait.
    const files = await citeAndStall(azure, first.url, ['a.bin', 'b.bin', 'c.bin', 'd.bin'])
    first.kill('SIGTERM')
    expect((await first.ended).code).toBe(0)
    await fetch(`${azure.url}/emulator/faults`, { method: 'DELETE' })
    const second = running ?? (await open())
    const ms = await copiedAfter(second.url, files)
    process.stdout.write(`Copied ${ms} ms after the end, by an instance ${when}.\n`)
    expect(ms).toBeLessThan(leaseMs)
    await expectWhole(azure, second.url, files)
  },
)

describeWith(['wrangler'], 'a Worker', (wrangler) => {
  it.each(__LONG__ ? ['a request', 'the cron trigger'] : ['the cron trigger'])(
    'that is killed in the middle of a copy leaves it to the next isolate, which makes it at %s',
    async (cause) => {
      const azure = await startAzure()
      const folder = await freshFolder()
      onTestFinished(() => azure.close())
      const vars = {
        ...azure.env,
        CFILE_ARCHIVE: 'r2:FILES_BUCKET',
        // The cron trigger runs in deployed Workers, which refuse to be open by accident.
        CFILE_ALLOW_ANONYMOUS: '1',
        CFILE_SIGNING_KEYS: `one:${'k'.repeat(40)}`,
        LOG_LEVEL: 'silent',
      }
      const args = ['--config', 'test/e2e/runtimes/wrangler.toml', '--test-scheduled']
      const first = await startWorker(wrangler, folder, vars, args)
      const files = await citeAndStall(azure, first.url, ['a.bin', 'b.bin'])
      for (const pid of descendants(first.child.pid ?? 0)) process.kill(pid, 'SIGKILL')
      await first.child.stop()
      const second = await startWorker(wrangler, folder, vars, args)
      onTestFinished(() => second.stop())
      const before = azure.contents.length
      if (cause === 'the cron trigger') {
        const isMade = async () => {
          await fetch(`${second.url}/__scheduled`)
          return azure.contents.length - before
        }
        await expect.poll(isMade, { timeout: 40_000, interval: 1000 }).toBe(2)
      }
      await copiedAfter(second.url, files)
      await expectWhole(azure, second.url, files)
    },
  )
})

/** Processes that a process started, and those that they started. */
function descendants(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  const children = text === '' ? [] : text.split(' ').map(Number)
  return children.flatMap((child) => [...descendants(child), child])
}

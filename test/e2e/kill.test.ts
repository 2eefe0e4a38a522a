/**
 * A gateway that is killed repeatedly still archives every cited file, with the right bytes.
 */

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type Child, startServer } from '../lib/child.ts'
import { type CitedFile, citedFiles, json, responseRequest } from '../lib/harness.ts'
import { hash, startAzure } from './azure.ts'
import { freePort } from './engines.ts'

declare const __LONG__: boolean
const [files, kills, mostMegabytes] = __LONG__ ? [200, 20, 20] : [12, 3, 3]

it(`archives ${files} files with the right bytes when it is killed ${kills} times`, async () => {
  const azure = await startAzure()
  const folder = await mkdtemp(join(tmpdir(), 'cfile-kill-'))
  const port = await freePort()
  const env = {
    ...azure.env,
    PORT: String(port),
    CFILE_STORE: `sqlite:${join(folder, 'store.db')}`,
    CFILE_ARCHIVE: `fs:${join(folder, 'archive')}`,
    LOG_LEVEL: 'silent',
  }
  let server: Child = await startServer(env)
  onTestFinished(async () => {
    await server.stop()
    await azure.close()
    await rm(folder, { recursive: true, force: true })
  })

  const cited: CitedFile[] = []
  let isCiting = true
  async function cite(): Promise<void> {
    while (cited.length < files) {
      const size = 1 + Math.floor(Math.random() * mostMegabytes)
      const asked = json(responseRequest(`Write data_${cited.length}.bin of ${size} MB`))
      const answer = await fetch(`http://127.0.0.1:${port}/openai/v1/responses`, asked)
        .then(async (response) => (response.ok ? citedFiles(await response.json()) : []))
        .catch(() => [])
      // Only what a client has seen is promised.
      cited.push(...answer)
      if (answer.length === 0) await pause(50)
    }
    isCiting = false
  }
  const citing = cite()
  for (let times = 0; times < kills; times += 1) {
    await pause(100 + Math.random() * 1500)
    await server.stop()
    server = await startServer(env)
  }
  await citing
  expect(isCiting).toBe(false)

  const records = join(folder, 'archive/records/anyone')
  const began = Date.now()
  for (;;) {
    const archived: string[] = await readdir(records).catch(() => [])
    if (cited.every(({ file_id }) => archived.includes(`${file_id}.json`))) break
    expect(Date.now() - began).toBeLessThan(100_000)
    await pause(200)
  }
  process.stdout.write(`All archived ${Date.now() - began} ms after the last citation.\n`)
  const hashes = new Map<string, string>()
  for (const file of cited) hashes.set(file.file_id, await azure.hashOf(file))
  azure.advance(2 * 3600)
  for (const { file_id } of cited) {
    const served = await fetch(`http://127.0.0.1:${port}/files/${file_id}`)
    expect(await hash(served)).toBe(hashes.get(file_id))
  }
  expect(await readdir(join(folder, 'archive/partial'))).toEqual([])
}, 900_000)

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

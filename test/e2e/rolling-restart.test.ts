/**
 * Two instances that are restarted in turn under load: a client that retries once at the other instance after a refused
 * connection loses no request.
 */

import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type Child, startServer } from '../lib/child.ts'
import { type CitedFile, citedFiles, json, responseRequest } from '../lib/harness.ts'
import { hash, startAzure } from './azure.ts'
import { freePort } from './engines.ts'
import { freshFolder } from './programs.ts'

declare const __LONG__: boolean
const [restarts, clients] = [__LONG__ ? 40 : 6, 8]

it(`serves every request while ${restarts} instances are replaced`, async () => {
  const azure = await startAzure()
  const folder = await freshFolder()
  const ports = [await freePort(), await freePort()]
  const startOne = (port: number) =>
    startServer({
      ...azure.env,
      PORT: String(port),
      CFILE_STORE: `sqlite:${join(folder, 'store.db')}`,
      CFILE_ARCHIVE: `fs:${join(folder, 'archive')}`,
      CFILE_SIGNING_KEYS: `one:${'k'.repeat(40)}`,
      CFILE_SHUTDOWN_DELAY_MS: '200',
      LOG_LEVEL: 'silent',
    })
  const servers: Child[] = []
  for (const port of ports) servers.push(await startOne(port))
  onTestFinished(async () => {
    for (const server of servers) await server.stop()
    await azure.close()
  })

  /**
   * Asks one instance, and the other after a refused connection, as a load balancer does. A GET on a connection that was
   * closed meanwhile is sent again too (RFC 9112 §9.3.1).
   */
  async function ask(path: string, init?: RequestInit): Promise<Response> {
    const [first, second] = Math.random() < 0.5 ? ports : ports.toReversed()
    try {
      return await fetch(`http://127.0.0.1:${first}${path}`, init)
    } catch (error) {
      const { code } = (error as { cause?: { code?: string } }).cause ?? {}
      const isClosed = code === 'UND_ERR_SOCKET' && init === undefined
      if (code !== 'ECONNREFUSED' && !isClosed) throw error
      return fetch(`http://127.0.0.1:${second}${path}`, init)
    }
  }

  const files: (CitedFile & { readonly sum: string })[] = []
  const faults: string[] = []
  let isOver = false
  let done = 0

  async function client(): Promise<void> {
    while (!isOver) {
      const file = files[Math.floor(Math.random() * files.length)]
      const isAsking = file === undefined || Math.random() < 0.3
      await (isAsking ? cite() : download(file)).catch((error) => {
        const cause = (error as Error).cause
        faults.push(`${isAsking ? 'answer' : 'download'}: ${error} (${cause})`)
      })
      done += 1
    }
  }

  async function cite(): Promise<void> {
    const isStream = Math.random() < 0.5
    const asked = responseRequest('Write data.bin of 2 MB', { stream: isStream })
    const answer = await ask('/openai/v1/responses', json(asked))
    const text = await answer.text()
    if (answer.status !== 200) faults.push(`answer: ${answer.status} ${text}`)
    else if (isStream && !text.includes('response.completed')) faults.push('a stream was cut')
    else if (!isStream) {
      const [file] = citedFiles(JSON.parse(text))
      if (file !== undefined) files.push({ ...file, sum: await azure.hashOf(file) })
    }
  }

  async function download({ file_id, sum }: (typeof files)[number]): Promise<void> {
    const got = await hash(await ask(`/files/${file_id}`))
    if (got !== sum) faults.push(`download: ${got}`)
  }

  const load = Promise.all(Array.from({ length: clients }, client))
  for (let times = 0; times < restarts; times += 1) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    const index = times % 2
    servers[index]?.kill('SIGTERM')
    expect((await servers[index]?.ended)?.code).toBe(0)
    servers[index] = await startOne(ports[index] ?? 0)
  }
  isOver = true
  await load
  process.stdout.write(`${done} requests over ${restarts} restarts, ${faults.length} lost.\n`)
  expect(faults).toEqual([])
  expect(files.length).toBeGreaterThan(0)
}, 600_000)

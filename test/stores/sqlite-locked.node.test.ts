/** A gateway whose SQLite file is locked by another process, such as a backup or an open shell. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Running, serve } from '../../src/node.ts'
import { citedFiles, errorCode, json, responseRequest } from '../lib/harness.ts'

let folder: string
let path: string
let gateway: Running
let locker: ChildProcess | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cfile-locked-'))
  path = join(folder, 'cfile.db')
  gateway = await open()
})

afterEach(async () => {
  locker?.kill()
  await gateway.close()
  await rm(folder, { recursive: true })
})

function open(): Promise<Running> {
  return serve({ CFILE_STORE: `sqlite:${path}`, LOG_LEVEL: 'silent', PORT: '0' })
}

/** Makes another process begin to write. Resolves when it has the lock, with a function that ends it. */
async function lock(): Promise<() => void> {
  const source = `
    import { DatabaseSync } from 'node:sqlite'
    const database = new DatabaseSync(${JSON.stringify(path)})
    database.exec('BEGIN IMMEDIATE')
    console.log('locked')
    process.stdin.resume().on('end', () => database.exec('COMMIT'))`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  locker = child
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return () => child.stdin.end()
}

const ask = (route: string, init?: RequestInit) => fetch(gateway.url + route, init)

async function respond(prompt: string) {
  const answer = await ask('/openai/v1/responses', json(responseRequest(prompt)))
  expect(answer.status).toBe(200)
  const [file] = citedFiles(await answer.json())
  return `/files/${file?.file_id}`
}

/** Requests /healthz until `work` has ended; returns the longest response time in milliseconds. */
async function longestHealthCheck(work: Promise<unknown>): Promise<number> {
  let isOver = false
  let longest = 0
  const end = () => {
    isOver = true
  }
  work.then(end, end)
  while (!isOver) {
    const started = performance.now()
    expect((await ask('/healthz')).status).toBe(200)
    longest = Math.max(longest, performance.now() - started)
    await sleep(50)
  }
  return longest
}

it('answers /healthz and serves files while the lock is held, and finishes waiting work after that', async () => {
  const known = await respond('Save a 1 MB binary file.')
  expect((await (await ask(known)).arrayBuffer()).byteLength).toBe(1_000_000)
  const unlock = await lock()
  const waiting = Array.from({ length: 10 }, () => respond('Save the numbers as a CSV.'))
  const downloaded = ask(known).then((answer) => answer.arrayBuffer())
  expect(await longestHealthCheck(Promise.all([downloaded, sleep(1500)]))).toBeLessThan(1000)
  expect((await downloaded).byteLength).toBe(1_000_000)
  unlock()
  for (const file of await Promise.all(waiting)) expect((await ask(file)).status).toBe(200)
})

it('answers not_ready if the lock remains, and still answers /healthz', async () => {
  await lock()
  const request = json({ id: 'resp_1', object: 'response', output: citing() })
  const refused = ask('/captures', request)
  expect(await longestHealthCheck(refused)).toBeLessThan(1000)
  const answer = await refused
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2'])
  expect(await errorCode(answer)).toBe('not_ready')
})

it('starts while the lock is held', async () => {
  await lock()
  const other = await open()
  // The server answers; readiness shows only after the lock is released.
  expect((await fetch(`${other.url}/healthz`)).status).toBe(200)
  await other.close()
})

function citing(): object[] {
  const file = { container_id: 'cntr_abc123', file_id: 'cfile_abc123', filename: 'a.csv' }
  const annotation = { type: 'container_file_citation', start_index: 0, end_index: 0, ...file }
  const content = [{ type: 'output_text', text: '', annotations: [annotation] }]
  return [{ type: 'message', content }]
}

/**
 * Many clients for minutes, against a gateway whose upstreams, store and archive fail now and then: nothing that ends as
 * complete is wrong, and afterwards nothing is left behind.
 *
 * `npm run test:load` runs 200 clients for 300 s; `LOAD_CLIENTS` and `LOAD_SECONDS` change that.
 */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, it, onTestFinished } from 'vitest'
import { type Child, root, run, start } from '../lib/child.ts'
import { citedFiles, json, responseRequest } from '../lib/harness.ts'
import { act, activities, type KnownFile, type Outcome } from './clients.ts'
import type { Report } from './gateway.ts'
import type { Took } from './probe.ts'

const clients = Number(process.env.LOAD_CLIENTS ?? 200)
const seconds = Number(process.env.LOAD_SECONDS ?? 300)
const oddsOfFault = 0.01
// Those of `npm start`, and what the test needs.
const heap = ['--min-semi-space-size=4', '--max-semi-space-size=4']
const flags = ['--conditions=@cfile/source', '--expose-gc', ...heap]
// Bytes; one large file is enough, as each client may ask for it.
const sizes = [1e3, 1e3, 1e3, 1e4, 1e4, 1e5, 1e5, 1e6, 1e7, 1e8]

it(
  `serves ${clients} clients for ${seconds} s, and leaves nothing behind`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cfile-load-'))
    const others = cores === 2 ? '1' : `1-${cores - 1}`
    await moveTo(others, process.pid)
    const regions = await Promise.all([startEmulator(), startEmulator()])
    const settings = { upstreams: regions.map(({ url }) => url), folder, oddsOfFault }
    const program = `${root}test/load/gateway.ts`
    const args = [...flags, program, JSON.stringify(settings)]
    const gateway = await start(process.execPath, args)
    await moveTo('0', gateway.pid)
    onTestFinished(async () => {
      await Promise.all([gateway, ...regions].map((child) => child.stop()))
      await rm(folder, { recursive: true, force: true })
    })
    const reports = await reportsOf(gateway)
    const files = await makeFiles(gateway.url, regions)
    const idle = await reports()

    const counts: Record<string, Record<Outcome, number>> = {}
    const wrong: string[] = []
    const end = Date.now() + seconds * 1000
    let warm: Report | undefined
    const probe = new Worker(new URL('./probe.ts', import.meta.url), { workerData: gateway.url })
    const timers = [
      setInterval(() => void breakRegion(regions), 500),
      setTimeout(async () => {
        warm = await reports()
      }, seconds * 400),
    ]
    await Promise.all(Array.from({ length: clients }, (_, index) => client(index)))
    for (const timer of timers) clearInterval(timer)
    const loaded = await reports()
    probe.postMessage('end')
    const [health] = (await once(probe, 'message')) as [Took]
    await probe.terminate()

    async function client(index: number): Promise<void> {
      // Node accepts one connection in each turn of its event loop, so they come one after another.
      await new Promise((resolve) => setTimeout(resolve, index * 20))
      const names = Object.keys(activities)
      while (Date.now() < end) {
        const name = pick(names)
        const file = pick(name === 'zip' ? files.filter(({ bytes }) => bytes < 1e6) : files)
        const outcome = await act(activities[name] as never, gateway.url, file)
        counts[name] ??= { right: 0, refused: 0, broken: 0, left: 0, wrong: 0 }
        counts[name][outcome] += 1
        if (outcome === 'wrong') wrong.push(`${name} ${file.file_id} of ${file.bytes} bytes`)
      }
    }

    await Promise.all(
      regions.map(({ url }) => fetchAgain(`${url}/emulator/faults`, { method: 'DELETE' })),
    )
    // Connections that are kept alive end after a few seconds.
    await expect
      .poll(async () => left(await reports(), idle), { timeout: 60_000, interval: 1000 })
      .toEqual({})
    const after = await reports()
    process.stdout.write(`${JSON.stringify({ clients, seconds, counts })}\n`)
    process.stdout.write(`Turns of the event loop in ms: ${JSON.stringify(loaded.turns)}\n`)
    process.stdout.write(
      `RSS ${megabytes(idle)} MB idle, ${megabytes(warm)} warm, ${megabytes(after)} after.\n`,
    )
    for (const [connection, times] of Object.entries(health)) {
      const [p50, p95] = [0.5, 0.95].map((part) => percentile(times, part))
      process.stdout.write(
        `Health on a ${connection} connection: p50 ${p50} ms, p95 ${p95} ms of ${times.length}.\n`,
      )
    }
    expect(wrong).toEqual([])
    expect(after.rssMegabytes).toBeLessThan((warm?.rssMegabytes ?? 0) * 1.2)
    const right = Object.values(counts).reduce((sum, count) => sum + count.right, 0)
    expect(right).toBeGreaterThan(clients)
  },
  seconds * 1000 + 180_000,
)

function startEmulator(): Promise<Child> {
  return start(process.execPath, [`${root}src/cli.ts`, 'emulator', '--port', '0'])
}

const cores = cpus().length

/** Moves a process to some cores of a Linux machine with several, so that the gateway does not wait for its clients. */
async function moveTo(list: string, pid: number | undefined): Promise<void> {
  if (process.platform !== 'linux' || cores === 1) return
  await run('taskset', ['--all-tasks', '--pid', '--cpu-list', list, String(pid)])
}

async function reportsOf({ output }: Child): Promise<() => Promise<Report>> {
  await expect.poll(() => output().trim().split('\n').length).toBeGreaterThan(1)
  const url = output().trim().split('\n')[1] ?? ''
  return async () => (await fetchAgain(url)).json() as Promise<Report>
}

/** Fetches; once more where the other side closed a kept connection in this moment. */
function fetchAgain(url: string, init?: RequestInit): Promise<Response> {
  return fetch(url, init).catch(() => fetch(url, init))
}

/** Asks for files of each size, and reads them from where they lie. */
async function makeFiles(base: string, regions: readonly Child[]): Promise<KnownFile[]> {
  const files: KnownFile[] = []
  for (const bytes of [...sizes, ...sizes.slice(0, 7)]) {
    const asked = json(responseRequest(`Write data.bin of ${bytes} bytes`))
    const answer = await (await fetchAgain(`${base}/openai/v1/responses`, asked)).json()
    const [file] = citedFiles(answer)
    if (file === undefined) continue
    const { file_id, container_id } = file
    const link = await readObject(
      await fetchAgain(`${base}/links`, json({ file_id, container_id })),
    )
    if (typeof link.download_url !== 'string') continue
    const content = await original(regions, file)
    files.push({ ...file, ...content, link: new URL(link.download_url).pathname })
  }
  expect(files.length).toBeGreaterThan(sizes.length / 2)
  return files
}

async function readObject(answer: Response): Promise<Record<string, unknown>> {
  return (await answer.json()) as Record<string, unknown>
}

async function original(
  regions: readonly Child[],
  { container_id, file_id }: { readonly container_id: string; readonly file_id: string },
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  for (const { url } of regions) {
    const answer = await fetchAgain(
      `${url}/openai/v1/containers/${container_id}/files/${file_id}/content`,
    )
    const whole = new Uint8Array(await answer.arrayBuffer())
    if (answer.ok) {
      return { bytes: whole.byteLength, sha256: createHash('sha256').update(whole).digest('hex') }
    }
  }
  throw new Error(`No region has ${file_id}.`)
}

const faults = [
  { kind: 'server_error' },
  { kind: 'throttled' },
  { kind: 'timeout' },
  { hang: true },
  { cut_after: 500 },
  { cut_after: 50_000 },
  // An event stream that ends early announces no length, so this is for files only.
  { end_after: 700, match: { path: '/content' } },
  { stall_after: 1000 },
  { delay_ms: 300 },
]

async function breakRegion(regions: readonly Child[]): Promise<void> {
  const order = { method: 'POST', body: JSON.stringify(pick(faults)) }
  await fetch(`${pick(regions).url}/emulator/faults`, order).catch(() => {})
}

/** Resources that were not there before the load. */
function left(now: Report, before: Report): Record<string, number> {
  const more = Object.entries(now.resources).map(
    ([kind, count]) => [kind, count - (before.resources[kind] ?? 0)] as const,
  )
  return Object.fromEntries(more.filter(([, count]) => count > 0))
}

function megabytes(report: Report | undefined): number {
  return Math.round(report?.rssMegabytes ?? 0)
}

function percentile(values: readonly number[], part: number): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * part)]
}

function pick<T>(list: readonly T[]): T {
  const picked = list[Math.floor(Math.random() * list.length)]
  if (picked === undefined) throw new Error('The list is empty.')
  return picked
}

/**
 * Simulates one to ten instances on one real Redis and one archive, and counts what an answer, a download and an idle
 * minute cost there: commands of Redis, its processor time, requests to the archive, calls of Azure.
 *
 * Run it with `node --conditions=@cfile/source bench/instances.ts`; it needs `redis-server`. docs/scaling.md has its
 * figures. Redis runs commands on one thread, so its processor time for an event says how many events a second it bears,
 * also on a machine that is busy with other work.
 *
 * @module
 */

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createClient } from 'redis'
import { createApp } from '../src/app.ts'
import { memoryArchive } from '../src/archives/memory.ts'
import { apiKey } from '../src/azure/credentials.ts'
import { createEmulator } from '../src/emulator/emulator.ts'
import type { Upkeep } from '../src/options.ts'
import { redisStore } from '../src/stores/redis.ts'
import { showSecret, signDelivery } from '../test/lib/webhooks.ts'

const events = Number(process.env.EVENTS ?? 300)
const port = 16_379
const webhookSecret = new Uint8Array(32).fill(9)

interface Counts {
  redis: number
  archive: number
  azure: number
}
const counts: Counts = { redis: 0, archive: 0, azure: 0 }

const redis = spawn('redis-server', ['--port', String(port), '--save', '', '--bind', '127.0.0.1'])
const monitor = createClient({ url: `redis://127.0.0.1:${port}` }).on('error', () => {})

/** Microseconds that the thread of Redis has worked. */
async function redisMicros(): Promise<number> {
  const text = String(await monitor.sendCommand(['INFO', 'cpu']))
  const seconds = (name: string) => Number(new RegExp(`${name}:([\\d.]+)`).exec(text)?.[1])
  return 1e6 * (seconds('used_cpu_user_main_thread') + seconds('used_cpu_sys_main_thread'))
}

/** Counts each call of a method. */
function counted<T extends object>(kind: keyof Counts, target: T): T {
  return new Proxy(target, {
    get(object, name) {
      const value = Reflect.get(object, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        counts[kind] += 1
        return value.apply(object, args)
      }
    },
  })
}

/** Instances that share a store, an archive and an upstream. */
interface Cluster {
  /** Sends a request to the next instance. */
  ask(path: string, init?: RequestInit): Promise<Response>
  /** Lets a background answer end at the upstream. */
  finish(id: string): Promise<void>
  /** Resolves when no instance has background work. */
  settled(): Promise<void>
  readonly upkeeps: readonly Upkeep[]
  passSeconds(seconds: number): void
  close(): Promise<void>
}

interface ClusterOptions {
  readonly links?: 'annotate' | 'rewrite'
  readonly isArchived?: boolean
}

async function openCluster(
  size: number,
  { links = 'annotate', isArchived = true }: ClusterOptions,
): Promise<Cluster> {
  await monitor.sendCommand(['FLUSHALL'])
  let ahead = 0
  const now = () => Math.floor(Date.now() / 1000) + ahead
  const createSha256 = () => {
    const hash = createHash('sha256')
    return {
      update: (bytes: Uint8Array) => void hash.update(bytes),
      digest: () => hash.digest('hex'),
    }
  }
  const emulator = createEmulator({})
  const archive = isArchived ? counted('archive', memoryArchive({ createSha256, now })) : undefined
  const background = new Set<Promise<unknown>>()
  const upkeeps: Upkeep[] = []
  const clients = await Promise.all(
    Array.from({ length: size }, () =>
      createClient({ url: `redis://127.0.0.1:${port}` }).connect(),
    ),
  )
  const upstream = {
    endpoint: 'http://emulator.localhost',
    credential: apiKey('a-secret-key'),
    fetch: async (input: RequestInfo | URL, init?: RequestInit) => {
      counts.azure += 1
      return emulator.fetch(new Request(input, init))
    },
  }
  const caller = { owner: 'team', key: 'team', admin: false }
  const apps = clients.map((client) =>
    createApp({
      publicUrl: 'http://127.0.0.1:8787',
      signingKeys: [{ kid: 'one', secret: new Uint8Array(32).fill(7) }],
      store: redisStore({
        client: counted('redis', { sendCommand: (args: string[]) => client.sendCommand(args) }),
      }),
      archive,
      links,
      now,
      authenticate: async () => caller,
      webhooks: { secrets: [showSecret(webhookSecret)] },
      upstreams: [upstream],
      schedule: (upkeep) => void upkeeps.push(upkeep),
      waitUntil: (work) => {
        background.add(work)
        work.finally(() => background.delete(work)).catch(() => {})
      },
    }),
  )
  let turn = 0
  return {
    ask: async (path, init) => {
      turn += 1
      return (await apps[turn % size]?.request(path, init)) as Response
    },
    async finish(id) {
      for (let polls = 0; polls < 3; polls += 1) {
        await emulator.request(`/openai/v1/responses/${id}`, { headers: { 'api-key': 'a' } })
      }
    },
    async settled() {
      while (background.size > 0) await Promise.allSettled(background)
    },
    upkeeps,
    passSeconds: (seconds) => {
      ahead += seconds
    },
    async close() {
      await Promise.all(upkeeps.map((upkeep) => upkeep.stop()))
      for (const client of clients) client.destroy()
    },
  }
}

/** Calls for one event, on average. */
interface Cost extends Counts {
  /** Microseconds of the thread of Redis. */
  readonly micros: number
}

async function measure(
  cluster: Cluster,
  times: number,
  act: (index: number) => Promise<unknown>,
): Promise<Cost> {
  await cluster.settled()
  Object.assign(counts, { redis: 0, archive: 0, azure: 0 })
  const before = await redisMicros()
  const each = async (first: number) => {
    for (let index = first; index < times; index += 20) await act(index)
  }
  await Promise.all(Array.from({ length: Math.min(20, times) }, (_, first) => each(first)))
  await cluster.settled()
  const micros = ((await redisMicros()) - before) / times
  const { redis: commands, archive, azure } = counts
  return { redis: commands / times, archive: archive / times, azure: azure / times, micros }
}

function question(extra: object = {}): RequestInit {
  const tools = [{ type: 'code_interpreter', container: { type: 'auto' } }]
  const body = JSON.stringify({ model: 'gpt-4.1', input: 'Save a CSV', tools, ...extra })
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body }
}

interface Answered {
  readonly id: string
  readonly link: string
}

async function answer(cluster: Cluster): Promise<Answered> {
  const text = await (await cluster.ask('/openai/v1/responses', question())).text()
  const [, id = ''] = /"file_id": ?"(cfile_\w+)"/.exec(text) ?? []
  const [, link = ''] = /"download_url": ?"([^"]+)"/.exec(text) ?? []
  return { id, link: new URL(link).pathname }
}

async function download(cluster: Cluster, path: string): Promise<void> {
  const got = await cluster.ask(path)
  if (got.status !== 200) throw new Error(`${path} is ${got.status}.`)
  await got.arrayBuffer()
}

/** A background answer, and the webhook about it, which Azure delivers twice. */
async function report(cluster: Cluster): Promise<void> {
  const asked = await cluster.ask('/openai/v1/responses', question({ background: true }))
  const { id } = (await asked.json()) as { id: string }
  await cluster.finish(id)
  const at = Math.floor(Date.now() / 1000)
  const delivery = await signDelivery(webhookSecret, { response: id, at })
  for (const _ of [1, 2]) await (await cluster.ask('/webhooks', delivery)).text()
}

async function idle(cluster: Cluster): Promise<void> {
  // The beat of a server is three seconds.
  for (let second = 0; second < 60; second += 3) {
    cluster.passSeconds(3)
    await Promise.all(cluster.upkeeps.map((upkeep) => upkeep.run()))
  }
}

type Row = readonly [event: string, cost: Cost]

async function measureFiles(size: number, isArchived: boolean): Promise<Row[]> {
  const cluster = await openCluster(size, { isArchived })
  const where = isArchived ? 'with an archive' : 'no archive'
  const made: Answered[] = []
  const rows: Row[] = []
  const add = async (event: string, act: (index: number) => Promise<unknown>) => {
    rows.push([`${event}, ${where}`, await measure(cluster, events, act)])
  }
  await add('answer that cites a file', async (index) => {
    made[index] = await answer(cluster)
  })
  for (const time of ['first', 'second']) {
    await add(`download by id, ${time} time`, (index) =>
      download(cluster, `/files/${made[index]?.id}`),
    )
  }
  await add('download by link', (index) => download(cluster, made[index]?.link ?? ''))
  if (isArchived) {
    await add('background answer with two webhooks', () => report(cluster))
    rows.push(['idle minute of all instances', await measure(cluster, 1, () => idle(cluster))])
  }
  await cluster.close()
  return rows
}

async function measureRewriting(size: number): Promise<Row[]> {
  const cluster = await openCluster(size, { links: 'rewrite' })
  const cost = await measure(cluster, events, () => answer(cluster))
  await cluster.close()
  return [['answer that cites a file, rewritten, with an archive', cost]]
}

try {
  await monitor.connect()
  for (const size of [1, 2, 5, 10]) {
    process.stdout.write(
      `\n| ${size} instances | Redis commands | archive | Azure | µs of Redis | a second at most |\n| --- | --- | --- | --- | --- | --- |\n`,
    )
    const rows = [
      ...(await measureFiles(size, false)),
      ...(await measureFiles(size, true)),
      ...(await measureRewriting(size)),
    ]
    for (const [event, { redis: commands, archive, azure, micros }] of rows) {
      const cells = [commands, archive, azure].map((value) => value.toFixed(1))
      const most = Math.round(1e6 / micros)
      process.stdout.write(`| ${event} | ${cells.join(' | ')} | ${micros.toFixed(0)} | ${most} |\n`)
    }
  }
} finally {
  monitor.destroy()
  redis.kill()
  await once(redis, 'exit')
}

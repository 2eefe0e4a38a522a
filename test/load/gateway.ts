/**
 * The gateway of the load test: two upstreams, and a store and an archive that fail now and then.
 *
 * It is a process of its own, so that its memory, sockets and timers can be counted. It prints the URL of the gateway,
 * then that of its report: `GET /` collects garbage and answers with a {@link Report}.
 */

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { createApp } from '../../src/app.ts'
import { fsArchive } from '../../src/archives/fs.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { nodeRuntime, toNodeHandler } from '../../src/node.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { failSometimes } from './faults.ts'

/** The state of the process. */
export interface Report {
  readonly rssMegabytes: number
  /** Sockets, timers and other resources that keep the process alive, by kind. */
  readonly resources: Readonly<Record<string, number>>
  /** Milliseconds of the turns of the event loop since the last report. */
  readonly turns: Turns
}

/** How long the event loop was busy with one turn. */
export interface Turns {
  /** By the clock: other processes on the core count too. */
  readonly p95: number
  readonly max: number
  /** By the processor time of the thread. */
  readonly p95Cpu: number
  readonly maxCpu: number
}

const { upstreams, folder, oddsOfFault } = JSON.parse(process.argv[2] ?? '{}')
const now = () => Math.floor(Date.now() / 1000)
const server = createServer()
const url = await listen(server)
let beat = () => {}
const app = createApp({
  ...nodeRuntime(),
  publicUrl: url,
  upstreams: upstreams.map((endpoint: string, index: number) => ({
    name: `region-${index}`,
    endpoint,
    credential: apiKey('a-secret-key'),
  })),
  store: failSometimes(memoryStore({ now }), oddsOfFault),
  archive: failSometimes(fsArchive({ folder }), oddsOfFault),
  // A fault that hangs must not outlast a short run.
  upstreamTimeoutMs: 5000,
  generationTimeoutMs: 5000,
  idleTimeoutMs: 5000,
  streamIdleTimeoutMs: 5000,
  schedule: ({ run }) => {
    beat = () => void run()
  },
})
setInterval(() => beat(), 1000).unref()
const tick = 5
const delays = monitorEventLoopDelay({ resolution: tick })
delays.enable()
const busy = createHistogram()
let used = process.threadCpuUsage()
setInterval(() => {
  const { user, system } = process.threadCpuUsage(used)
  used = process.threadCpuUsage()
  busy.record(Math.max(1, user + system))
}, tick).unref()
const handler = toNodeHandler(app)
server.on('request', handler)
server.on('upgrade', handler.upgrade)

const reports = createServer((_, response) => {
  ;(globalThis as { gc?: () => void }).gc?.()
  response.end(JSON.stringify(report()))
})
process.stdout.write(`${url}\n${await listen(reports)}\n`)

function report(): Report {
  const resources: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
  return { rssMegabytes: process.memoryUsage.rss() / 1024 ** 2, resources, turns: turns() }
}

function turns(): Turns {
  const taken = {
    p95: Math.round(delays.percentile(95) / 1e6),
    max: Math.round(delays.max / 1e6),
    p95Cpu: Math.round(busy.percentile(95) / 1e3),
    maxCpu: Math.round(busy.max / 1e3),
  }
  delays.reset()
  busy.reset()
  return taken
}

async function listen(given: Server): Promise<string> {
  await new Promise<void>((resolve) => given.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(given.address() as AddressInfo).port}`
}

/** Runs all benchmarks and writes RESULTS.md. */

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { eventsTable } from './events.ts'
import type { Effort } from './measure.ts'
import { memoryTable } from './memory.ts'
import { root } from './process.ts'
import { runtimesTable } from './runtimes.ts'
import { smallTable } from './small.ts'
import { stallsTable } from './stalls.ts'
import { transferTable } from './transfer.ts'
import { type Bench, startUpstream } from './upstream.ts'
import { versionsTable } from './versions.ts'
import { weightTable } from './weight.ts'

const isQuick = process.argv.includes('--quick')
const wanted = process.argv.slice(2).find((argument) => !argument.startsWith('--'))
const large: Effort = { rounds: isQuick ? 3 : 5, warmUps: 1, hasPeers: !isQuick }
const small: Effort = { rounds: isQuick ? 3 : 5, warmUps: isQuick ? 1 : 2, hasPeers: !isQuick }
const megabytes = isQuick ? 256 : 1024

type Row = readonly [title: string, measure: (bench: Bench) => Promise<string>]

const onNode: readonly Row[] = [
  [`${megabytes} MB, TLS upstream, Node`, (bench) => transferTable(bench, true, large)],
  [`${megabytes} MB, plaintext upstream, Node`, (bench) => transferTable(bench, false, large)],
  [
    'Files of one kilobyte, plaintext upstream, 32 connections, Node',
    (bench) => smallTable(bench, small),
  ],
  ['Memory, Node, TLS upstream', (bench) => memoryTable(bench, isQuick ? 10 : 30)],
]
const others: readonly Row[] = [
  ['HTTP/1.1 and HTTP/2 to a TLS upstream, Node', versionsTable],
  [
    'Other runtimes against their own bare pass-through',
    (bench) => runtimesTable(bench, { ...large, rounds: isQuick ? 3 : 4 }),
  ],
  ['Server-sent events, Node', eventsTable],
  ['Stalls of the event loop under one large request, Node', stallsTable],
  ['Weight', weightTable],
]
const rows = isQuick && wanted === undefined ? onNode : [...onNode, ...others]

const bench = await startUpstream(megabytes * 1024 ** 2)
const chapters: string[] = []
try {
  for (const [title, measure] of rows) {
    if (wanted !== undefined && !title.toLowerCase().includes(wanted.toLowerCase())) continue
    const text = `## ${title}\n\n${await measure(bench)}\n`
    process.stdout.write(`${text}\n`)
    chapters.push(text)
  }
} finally {
  await bench.upstream.stop()
}
if (wanted === undefined && !isQuick) {
  const version = (command: string, ...args: string[]) =>
    execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version}, ${version('sh', '-c', 'nginx -v 2>&1')}, ${new Date().toISOString().slice(0, 10)}`
  writeFileSync(
    `${root}bench/RESULTS.md`,
    `# Results\n\n${machine}. Made by \`npm run bench\`; how to read it stands in [README.md](README.md). Medians, in brackets the least and the greatest round.\n\n${chapters.join('\n')}`,
  )
}

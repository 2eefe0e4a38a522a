/** Compares two built checkouts of cfile in one run, with bare undici beside them. The README has the command. */

import { resolve } from 'node:path'
import { flood, startEvents, startLinking } from './events.ts'
import { contentPath, filePath, key, startGateway, startPeer } from './gateways.ts'
import { roundsOf, show, spreadOf, table } from './measure.ts'
import type { Measured } from './process.ts'
import { load, signedLink } from './small.ts'
import { download } from './transfer.ts'
import { type Bench, startUpstream } from './upstream.ts'

interface Figures {
  readonly rate: number
  readonly cpu: number
}

/** Measures one process. */
type Measure = (proxy: Measured, port: number) => Promise<Figures>

/** Starts one process. */
type Start = (port: number) => Promise<Measured>

interface Row {
  readonly title: string
  readonly start: (port: number, checkout: string) => Promise<Measured>
  readonly measure: Measure
  /** What bare undici does instead. Absent: it has no such row. */
  readonly bare?: { readonly start: Start; readonly measure: Measure }
  readonly rounds: number
  /** Rounds that do not count. */
  readonly warmUps: number
}

const at = (port: number, path: string): string => `http://127.0.0.1:${port}${path}`
const auth = [`authorization: Bearer ${key}`]

function rowsOf(bench: Bench, rounds: number): readonly Row[] {
  const small = { rounds: rounds * 3, warmUps: 4 }
  const events = { measure: flood, rounds, warmUps: 3 }
  const bareSmall = {
    start: (port: number) => startPeer(bench, 'undici', false, port),
    measure: (proxy: Measured, port: number) => load(proxy, at(port, contentPath('small')), [], 2),
  }
  const largeRow = (isTls: boolean): Row => ({
    title: `large file ${isTls ? 'over TLS' : 'in plaintext'}, s/GB`,
    start: (port, checkout) => startGateway(bench, isTls, port, checkout),
    measure: (proxy, port) => download(proxy, at(port, filePath('large')), auth),
    bare: {
      start: (port) => startPeer(bench, 'undici', isTls, port),
      measure: (proxy, port) => download(proxy, at(port, contentPath('large'))),
    },
    rounds,
    warmUps: 1,
  })
  return [
    largeRow(true),
    largeRow(false),
    {
      title: '1 KB by id, µs',
      start: (port, checkout) => startGateway(bench, false, port, checkout),
      measure: (proxy, port) => load(proxy, at(port, filePath('small')), auth, 2),
      bare: bareSmall,
      ...small,
    },
    {
      title: '1 KB by signed link, µs',
      start: (port, checkout) => startGateway(bench, false, port, checkout),
      measure: async (proxy, port) => load(proxy, await signedLink(port), [], 2),
      bare: bareSmall,
      ...small,
    },
    {
      title: 'SSE, annotate, µs/event',
      start: (port, checkout) => startLinking(bench, 'annotate', port, checkout),
      ...events,
    },
    {
      title: 'SSE, rewrite, µs/event',
      start: (port, checkout) => startLinking(bench, 'rewrite', port, checkout),
      ...events,
    },
  ]
}

/** Measures one row. */
async function compare(row: Row, older: string, newer: string): Promise<string[]> {
  const one = await row.start(9310, older)
  const other = await row.start(9311, newer)
  const bare = await row.bare?.start(9312)
  const parts = {
    older: () => row.measure(one, 9310),
    newer: () => row.measure(other, 9311),
    bare: async () => bare && row.bare?.measure(bare, 9312),
  }
  await roundsOf(parts, row.warmUps)
  const seen = await roundsOf(parts, row.rounds)
  for (const process of [one, other, bare]) await process?.stop()
  return [
    row.title,
    ratio(seen.newer, seen.older, 'cpu'),
    ratio(seen.newer, seen.older, 'rate'),
    ratio(seen.bare, seen.older, 'cpu'),
    ratio(seen.bare, seen.newer, 'cpu'),
    ...[seen.older, seen.newer, seen.bare].map(medianCpu),
  ]
}

/** Some rounds of one process; `undefined` where there is none. */
type Rounds = readonly (Figures | undefined)[]

/** Takes the ratio of each round, since whatever disturbs the machine disturbs all processes of a round. */
function ratio(above: Rounds, below: Rounds, of: keyof Figures): string {
  const ratios = above.map((figures, round) => (figures?.[of] ?? 0) / (below[round]?.[of] ?? 0))
  return above[0] === undefined ? '–' : show(spreadOf(ratios))
}

function medianCpu(rounds: Rounds): string {
  return rounds[0] === undefined
    ? '–'
    : spreadOf(rounds.map((one) => one?.cpu ?? 0)).median.toFixed(1)
}

const isQuick = process.argv.includes('--quick')
const [older = '.', newer = '.', wanted = ''] = process.argv
  .slice(2)
  .filter((argument) => !argument.startsWith('--'))
const bench = await startUpstream((isQuick ? 256 : 1024) * 1024 ** 2)
const events = await startEvents()
const head = [
  'what, CPU time',
  'newer / older',
  'rate, newer / older',
  'bare undici / older',
  'bare undici / newer',
  'older',
  'newer',
  'bare',
]
try {
  const rows: string[][] = []
  for (const row of rowsOf(bench, isQuick ? 3 : 7)) {
    if (!row.title.includes(wanted)) continue
    rows.push(await compare(row, resolve(older), resolve(newer)))
    process.stderr.write(`${rows.at(-1)?.join(' | ')}\n`)
  }
  process.stdout.write(`${table(head, rows)}\n`)
} finally {
  await events.stop()
  await bench.upstream.stop()
}

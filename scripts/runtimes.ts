/**
 * Runs the HTTP suite on each runtime, and writes the table of runtimes in README.md: `npm run runtimes`.
 *
 * @module
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { table } from './settings.ts'

/** The result of one runtime. */
export interface RuntimeResult {
  readonly runtime: string
  /** The store and the archive of the run. */
  readonly storage: string
  /** Tests that passed, known gaps not counted. */
  readonly passed: number
  readonly total: number
  /** Reasons of the known gaps. */
  readonly gaps: readonly string[]
}

/** Creates the table for README.md. */
export function runtimesTable(results: readonly RuntimeResult[]): string {
  const rows = results.map(({ runtime, storage, passed, total, gaps }) => [
    runtime,
    storage,
    `${passed} of ${total}`,
    gaps.join('; ') || 'none',
  ])
  return table(['runtime', 'records, copies', 'HTTP tests passed', 'known gaps'], rows)
}

/** A part of the report that vitest writes as JSON. */
interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[]
      readonly title: string
      readonly status: string
    }[]
  }[]
}

/** Reads a report. The title of each block is `RUNTIME with STORAGE`. */
export function readReport({ testResults }: Report): RuntimeResult[] {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  const blocks = new Set(tests.map(({ ancestorTitles: [block = ''] }) => block))
  return [...blocks].map((block) => {
    const own = tests.filter(({ ancestorTitles }) => ancestorTitles[0] === block)
    const gaps = own.flatMap(({ title }) => /\(known gap: (.*)\)$/.exec(title)?.slice(1) ?? [])
    const passed = own.filter(({ status }) => status === 'passed').length - gaps.length
    const [runtime = '', storage = ''] = block.split(' with ')
    return { runtime, storage, passed, total: own.length, gaps }
  })
}

const [begin, end] = [
  '<!-- runtimes: written by `npm run runtimes` -->\n\n',
  '\n<!-- /runtimes -->',
]

/** Replaces the table in the text of README.md. */
export function replaceTable(readme: string, results: readonly RuntimeResult[]): string {
  const [from, to] = [readme.indexOf(begin) + begin.length, readme.indexOf(end)]
  return readme.slice(0, from) + runtimesTable(results) + readme.slice(to)
}

if (import.meta.main) {
  const folder = mkdtempSync(join(tmpdir(), 'cfile-runtimes-'))
  const report = join(folder, 'report.json')
  const config = ['run', '-c', 'test/e2e/vitest.config.ts', 'test/e2e/runtimes/']
  const args = [...config, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  spawnSync('vitest', args, { stdio: 'inherit' })
  const results = readReport(JSON.parse(readFileSync(report, 'utf8')))
  rmSync(folder, { recursive: true })
  const readme = new URL('../README.md', import.meta.url)
  writeFileSync(readme, replaceTable(readFileSync(readme, 'utf8'), results))
}

/**
 * Fuzzes the parsers, guided by V8's block coverage: `npm run fuzz [SECONDS] [TARGET …]`. Inputs that reach new blocks
 * are kept in `test/fuzz/corpus`, which `npm test` runs; an input that breaks a promise is printed.
 *
 * @module
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { parseArgs } from 'node:util'
import { seeds } from './seeds.ts'
import { type Target, targets } from './targets.ts'

type Bytes = Uint8Array<ArrayBuffer>

const batchSize = 64
const longestInput = 4096
// A corpus is a few kilobytes.
const [mostKept, longestKept] = [60, 160]

const session = new Session()

/** The blocks that ran since the last call, each with the magnitude of its count. */
async function takeCoverage(): Promise<string[]> {
  const { result } = await session.post('Profiler.takePreciseCoverage')
  return result.flatMap(({ url, functions }) =>
    url.includes('/src/')
      ? functions
          .flatMap(({ ranges }) => ranges)
          .filter(({ count }) => count > 0)
          .map((range) => `${url}:${range.startOffset}:${Math.ceil(Math.log2(range.count))}`)
      : [],
  )
}

function pick<T>(list: readonly T[]): T {
  return list[Math.floor(Math.random() * list.length)] as T
}

/** Tokens that the grammars have: those of the seeds. */
function tokensOf(inputs: readonly Bytes[]): Bytes[] {
  const texts = inputs.map((bytes) => Buffer.from(bytes).toString('latin1'))
  const found = texts.flatMap((text) => text.match(/\w+|[^\w\s]+|\s+/g) ?? [])
  return [...new Set(found)].map((text) => new Uint8Array(Buffer.from(text, 'latin1')))
}

const odd = [0, 9, 10, 13, 32, 34, 37, 39, 45, 58, 92, 123, 125, 127, 128, 0xc3, 0xed, 0xef, 255]

function mutate(corpus: readonly Bytes[], tokens: readonly Bytes[]): Bytes {
  let bytes = Buffer.from(pick(corpus))
  for (let times = 1 + Math.floor(Math.random() * 5); times > 0; times -= 1) {
    const at = Math.floor(Math.random() * (bytes.length + 1))
    const end = at + Math.floor(Math.random() * 9)
    const other = Buffer.from(pick(corpus))
    const from = Math.floor(Math.random() * other.length)
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
    const middle = pick<() => Uint8Array>([
      () => Uint8Array.of(pick(odd)),
      () => Uint8Array.of(Math.floor(Math.random() * 256)),
      () => pick(tokens),
      () => pick(tokens),
      () => bytes.subarray(at, end),
      () => other.subarray(from, from + Math.floor(Math.random() * 60)),
    ])()
    const rest = pick([after, bytes.subarray(end), after.subarray(middle.length)])
    bytes = Buffer.concat([before, middle, rest])
  }
  return new Uint8Array(bytes.subarray(0, longestInput))
}

async function attempt(target: Target, bytes: Bytes): Promise<unknown> {
  try {
    await target(bytes)
    return undefined
  } catch (error) {
    return error
  }
}

/** Inputs of `test/fuzz/corpus`, as strings of bytes. */
export function readCorpus(name: string): string[] {
  const path = new URL(`corpus/${name}.json`, import.meta.url)
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : []
}

async function fuzz(name: string, target: Target, seconds: number): Promise<boolean> {
  const known = [...(seeds[name] ?? []), ...readCorpus(name)]
  const corpus = known.map((text) => new Uint8Array(Buffer.from(text, 'latin1')))
  const tokens = tokensOf(corpus)
  const seen = new Set<string>()
  const kept: Bytes[] = []
  const isNew = (block: string) => !seen.has(block)
  let runs = 0
  await takeCoverage()
  const until = Date.now() + seconds * 1000
  for (let batch = [...corpus]; Date.now() < until; ) {
    for (const bytes of batch) {
      runs += 1
      const error = await attempt(target, bytes)
      if (error === undefined) continue
      const input = JSON.stringify(Buffer.from(bytes).toString('latin1'))
      process.stdout.write(`${name}: FINDING after ${runs} runs: ${input}\n${String(error)}\n`)
      if (error instanceof Error) process.stdout.write(`${error.stack}\n`)
      return false
    }
    if ((await takeCoverage()).some(isNew)) {
      // Again one by one, to see which input it was.
      for (const bytes of batch) {
        await attempt(target, bytes)
        const fresh = (await takeCoverage()).filter(isNew)
        if (fresh.length === 0) continue
        for (const block of fresh) seen.add(block)
        corpus.push(bytes)
        kept.push(bytes)
      }
    }
    batch = Array.from({ length: batchSize }, () => mutate(corpus, tokens))
  }
  process.stdout.write(
    `${name}: ${runs} runs in ${seconds} s, ${seen.size} blocks, ${corpus.length} inputs, no finding\n`,
  )
  save(name, kept)
  return true
}

function save(name: string, kept: readonly Bytes[]): void {
  const small = kept.filter(({ length }) => length <= longestKept).slice(0, mostKept)
  const texts = small.map((bytes) => Buffer.from(bytes).toString('latin1'))
  const folder = new URL('corpus/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  const ascii = JSON.stringify(texts, null, 2).replace(
    /[\x7f-\xff]/g,
    (one) => `\\u00${one.charCodeAt(0).toString(16)}`,
  )
  writeFileSync(new URL(`${name}.json`, folder), `${ascii}\n`)
}

if (import.meta.main) {
  const [seconds = '50', ...named] = parseArgs({ allowPositionals: true }).positionals
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  for (const [name, target] of Object.entries(targets)) {
    if (named.length > 0 && !named.includes(name)) continue
    if (!(await fuzz(name, target, Number(seconds)))) process.exitCode = 1
  }
}

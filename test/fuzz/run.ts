/**
 * Fuzzes the parsers, guided by the branches that run: `npm run fuzz [SECONDS] [TARGET …]`. Inputs that reach new
 * branches are kept in `test/fuzz/corpus`, which `npm test` runs. An input that breaks a promise is printed.
 *
 * @module
 */

import { parseArgs } from 'node:util'
import { type TakeBranches, watchBranches } from './branches.ts'
import { type Input, readCorpus, toInput, toText, writeCorpus } from './corpus.ts'
import { mutate, tokensOf } from './mutate.ts'
import { seeds } from './seeds.ts'
import type { Target } from './targets/lib.ts'
import { startWatchdog } from './watchdog.ts'

/** An input, and the branches that it reached before any other. */
interface Found {
  readonly input: Input
  readonly branches: readonly number[]
}

/** Bytes of the inputs that are kept for a target. */
const mostKept = 12_000

/** The inputs to keep: short ones first, and none whose branches those before it and the seeds reach. */
function chooseKept(found: readonly Found[], seedCount: number): Input[] {
  const reached = new Set(found.slice(0, seedCount).flatMap(({ branches }) => branches))
  const sorted = found.slice(seedCount).toSorted((a, b) => a.input.length - b.input.length)
  const kept: Input[] = []
  let space = mostKept
  for (const { input, branches } of sorted) {
    if (input.length > space || branches.every((branch) => reached.has(branch))) continue
    for (const branch of branches) reached.add(branch)
    space -= input.length
    kept.push(input)
  }
  return kept
}

async function attempt(target: Target, input: Input): Promise<unknown> {
  try {
    await target(input)
    return undefined
  } catch (error) {
    return error
  }
}

async function fuzz(
  name: string,
  target: Target,
  { seconds, take }: { readonly seconds: number; readonly take: TakeBranches },
): Promise<boolean> {
  const seedTexts = seeds[name] ?? []
  const known = [...seedTexts, ...readCorpus(name)].map(toInput)
  const tokens = tokensOf(known)
  const seen = new Set<number>()
  const found: Found[] = []
  const corpus: Input[] = []
  const note = startWatchdog(name)
  const until = Date.now() + seconds * 1000
  let runs = 0
  for (; Date.now() < until; runs += 1) {
    const input = known[runs] ?? mutate(corpus, tokens)
    note(input)
    const error = await attempt(target, input)
    note(undefined)
    if (error !== undefined) {
      process.stdout.write(
        `${name}: FINDING after ${runs} runs: ${JSON.stringify(toText(input))}\n`,
      )
      process.stdout.write(`${error instanceof Error ? error.stack : String(error)}\n`)
      return false
    }
    const branches = take()
    // Seeds are there for their tokens too, so each is kept.
    const isSeed = runs < seedTexts.length
    if (!isSeed && branches.every((branch) => seen.has(branch))) continue
    for (const branch of branches) seen.add(branch)
    found.push({ input, branches })
    corpus.push(input)
  }
  process.stdout.write(
    `${name}: ${runs} inputs in ${seconds} s, ${found.length} reached new branches, no finding\n`,
  )
  writeCorpus(name, chooseKept(found, seedTexts.length))
  return true
}

const [seconds = '50', ...named] = parseArgs({ allowPositionals: true }).positionals
const take = watchBranches()
// After the counters, so that the parsers get them.
const { targets } = await import('./targets/targets.ts')
for (const [name, target] of Object.entries(targets)) {
  if (named.length > 0 && !named.includes(name)) continue
  take()
  if (!(await fuzz(name, target, { seconds: Number(seconds), take }))) process.exitCode = 1
}

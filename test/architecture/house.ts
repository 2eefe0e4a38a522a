/**
 * The house as data: who may take what from whom. ARCHITECTURE.md draws it; `rules.ts` reads it.
 *
 * @module
 */

/** A folder of `src/`, or one of the two kinds of files that lie directly in it. */
export type Zone =
  | 'core'
  | 'azure'
  | 'gateway'
  | 'stores'
  | 'archives'
  | 'routes'
  | 'page'
  | 'storage'
  | 'hall'
  | 'doors'
  | 'cli'
  | 'transport'
  | 'emulator'

/** Files directly in `src/`: something that can be run or imported, or the hall behind it. */
export const topFiles: Readonly<Record<string, Zone>> = {
  'app.ts': 'hall',
  'options.ts': 'hall',
  'rewrite-links.ts': 'hall',
  'settings.ts': 'hall',
  'settings-warnings.ts': 'hall',
  'upstream-settings.ts': 'hall',
  'azure-client.ts': 'hall',
  'runtime.ts': 'hall',
  'open.ts': 'hall',
  'capture-fetch.ts': 'hall',
  'serving.ts': 'hall',
  'index.ts': 'doors',
  'node.ts': 'doors',
  'workers.ts': 'doors',
  'bun.ts': 'doors',
  'deno.ts': 'doors',
  'cli.ts': 'doors',
}

/**
 * What one zone may take from another: everything, types only (`import type`), or only some `files` of it, for only
 * some `takers`, with the `types` of all others or without.
 */
export type Cell =
  | 'yes'
  | 'types'
  | {
      readonly files?: readonly string[]
      readonly takers?: readonly string[]
      readonly types?: true
    }

type Row = Readonly<Partial<Record<Zone, Cell>>>

const served: Row = {
  core: 'yes',
  azure: 'types',
  gateway: 'yes',
  stores: 'types',
  archives: 'types',
}
const outside: Row = {
  core: 'yes',
  azure: 'yes',
  stores: 'yes',
  archives: 'yes',
  storage: 'yes',
  hall: 'yes',
}

/** A row takes, a column gives; what is absent is forbidden. */
export const table: Readonly<Record<Zone, Row>> = {
  core: { core: 'yes' },
  azure: { core: 'yes', azure: 'yes' },
  stores: { core: 'yes', stores: { files: ['stores/store.ts'] } },
  archives: {
    core: 'yes',
    // What the buckets share is part of the interface: an engine is a bucket and how it is asked.
    archives: {
      files: [
        'archives/archive.ts',
        'archives/bucket.ts',
        'archives/disk.ts',
        'archives/half-copies.ts',
        'archives/request.ts',
        'archives/verify.ts',
      ],
    },
  },
  gateway: { core: 'yes', azure: 'types', gateway: 'yes', stores: 'types', archives: 'types' },
  routes: { ...served, routes: 'yes', page: 'yes' },
  page: { ...served, page: 'yes' },
  // The engines that the settings name: opened for the doors, of which each takes those that its runtime has.
  storage: {
    core: 'yes',
    azure: 'types',
    gateway: 'types',
    stores: 'yes',
    archives: 'yes',
    storage: 'yes',
    hall: { files: ['runtime.ts'], types: true },
  },
  hall: {
    storage: 'types',
    core: 'yes',
    azure: 'yes',
    gateway: 'yes',
    stores: { files: ['stores/memory.ts'], types: true },
    archives: { files: ['archives/memory.ts'], types: true },
    routes: 'yes',
    page: 'yes',
    hall: 'yes',
  },
  doors: {
    ...outside,
    doors: { takers: ['cli.ts'], files: ['node.ts'] },
    cli: { takers: ['cli.ts'] },
    transport: { takers: ['node.ts', 'bun.ts', 'deno.ts'] },
    // Nothing else may answer from the emulator.
    emulator: { takers: ['node.ts', 'workers.ts', 'bun.ts', 'deno.ts', 'cli.ts'] },
  },
  cli: {
    ...outside,
    doors: { files: ['node.ts', 'bun.ts', 'deno.ts'] },
    cli: 'yes',
    emulator: 'yes',
  },
  transport: { core: 'yes', transport: 'yes' },
  emulator: { emulator: 'yes' },
}

/** Packages, by the beginnings of their specifiers; one that ends in neither `/` nor `:` is meant whole too. */
const hono = ['hono']
// `zod` itself weighs a hundred kilobytes in a Worker.
const zod = ['zod/mini']
/** What only a runtime gives. */
export const runtime: readonly string[] = [
  'node:',
  'bun:',
  'bun',
  'cloudflare:',
  '@hono/node-server',
  'better-sqlite3',
]

/** The packages that a zone may take. */
export const packages: Readonly<Record<Zone, readonly string[]>> = {
  core: [],
  azure: [],
  stores: [],
  archives: [],
  gateway: ['zod/mini'],
  routes: [...hono, ...zod],
  page: [...hono, ...zod],
  storage: ['aws4fetch', 'redis', 'ioredis', ...runtime],
  hall: [...hono, ...zod],
  doors: [...hono, ...runtime],
  cli: [...hono, ...runtime],
  transport: [...runtime, 'undici', 'ws'],
  emulator: hono,
}

/** The zones that may use a runtime's globals, and the one backend for each engine that is the runtime's own. */
export const atRuntime: readonly string[] = [
  'doors',
  'cli',
  'transport',
  'stores/sqlite.ts',
  'archives/disk.ts',
  'archives/fs.ts',
  'archives/half-copies.ts',
]

/** Globals of one runtime. */
export const runtimeGlobals: readonly string[] = [
  'process',
  'Bun',
  'Deno',
  'Buffer',
  'setImmediate',
  'require',
  '__dirname',
  '__filename',
]

/** The zones that make what those below are given: network, clock, random and timers. */
export const makers: readonly Zone[] = ['hall', 'storage', 'doors', 'cli']

/** What is an argument below the hall. `new Date` is meant without arguments; `globalThis` is the way around. */
export const ambient: readonly string[] = [
  'fetch',
  'Date.now',
  'new Date',
  'performance.now',
  'Math.random',
  'crypto.randomUUID',
  'crypto.getRandomValues',
  'setTimeout',
  'setInterval',
  'AbortSignal.timeout',
  'globalThis',
]

/** The zones that may speak to the console. */
export const speakers: readonly Zone[] = ['doors', 'cli']

/** The only file that a runtime demands a default export of. */
export const defaultExporters: readonly string[] = ['workers.ts']

/** A use that the rules above forbid and that stands all the same. One that is no longer there fails too. */
export interface Allowance {
  readonly file: string
  readonly use: string
  readonly reason: string
}

export const allowances: readonly Allowance[] = [
  {
    file: 'emulator/emulator.ts',
    use: 'Date.now',
    reason: 'the default of its option `now`; it knows nothing of the hall',
  },
  {
    file: 'emulator/emulator.ts',
    use: 'crypto.getRandomValues',
    reason: 'the default of its option `random`',
  },
  { file: 'emulator/emulator.ts', use: 'fetch', reason: 'the default of its option `fetch`' },
  { file: 'emulator/emulator.ts', use: 'setTimeout', reason: 'the default of its option `wait`' },
  {
    file: 'open.ts',
    use: 'console',
    reason: 'the log of every door: written once, where settings become an app',
  },
]

/** Lines after which a file is too long. */
export const maxLines = 400

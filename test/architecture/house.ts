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
  | 'library'
  | 'app'
  | 'start'
  | 'doors'
  | 'cli'
  | 'node-http'
  | 'emulator'

/** Files directly in `src/`: what can be imported or run, and the app between them. */
export const topFiles: Readonly<Record<string, Zone>> = {
  'app.ts': 'app',
  'options.ts': 'app',
  'runtime.ts': 'app',
  'index.ts': 'doors',
  'node.ts': 'doors',
  'workers.ts': 'doors',
  'bun.ts': 'doors',
  'deno.ts': 'doors',
  'emulator.ts': 'doors',
  'cli.ts': 'doors',
}

/**
 * The rooms of a zone that has any, in the direction of its imports: a file may import from its own room, from the rooms
 * behind it in this list, and from the files directly in the zone's folder. Those import only types from the rooms.
 */
export const rooms: Readonly<Partial<Record<Zone, readonly string[]>>> = {
  gateway: ['proxy', 'capture', 'containers', 'files', 'archive', 'upstreams', 'owners'],
  core: ['rewrite', 'links', 'api', 'sse', 'json', 'zip', 'bytes', 'sockets', 'observe', 'http'],
}

/** Imports against the direction of the rooms that still stand, each with what would end it. */
export const roomExceptions: readonly (readonly [from: string, to: string, reason: string])[] = [
  ['core/http/form-fields.ts', 'core/bytes/search.ts', 'a search in bytes'],
]

/** The most files that may lie directly in the folder of a zone with rooms. */
export const mostFlatFiles = 8

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

/** The archive's interface, and what its engines share. */
const archiveInterface: readonly string[] = [
  'archives/archive.ts',
  'archives/lib/bucket.ts',
  'archives/lib/budget.ts',
  'archives/lib/disk.ts',
  'archives/lib/parts.ts',
  'archives/lib/request.ts',
  'archives/lib/verify.ts',
  'archives/lib/xml.ts',
]

const served: Row = {
  core: 'yes',
  azure: 'types',
  gateway: 'yes',
  stores: 'types',
  archives: 'types',
}
const assembled: Row = {
  core: 'yes',
  azure: 'yes',
  gateway: 'yes',
  stores: { files: ['stores/memory.ts'], types: true },
  archives: { files: ['archives/memory.ts'], types: true },
  routes: 'yes',
  page: 'yes',
  library: 'yes',
  app: 'yes',
}
const outside: Row = {
  core: 'yes',
  azure: 'yes',
  stores: 'yes',
  archives: 'yes',
  start: 'yes',
  library: 'yes',
  app: 'yes',
}

/** A row imports, a column is imported; what is absent is forbidden. */
export const table: Readonly<Record<Zone, Row>> = {
  core: { core: 'yes' },
  azure: { core: 'yes', azure: 'yes' },
  stores: { core: 'yes', stores: { files: ['stores/store.ts'] } },
  archives: { core: 'yes', archives: { files: archiveInterface } },
  gateway: { core: 'yes', azure: 'types', gateway: 'yes', stores: 'types', archives: 'types' },
  routes: { ...served, routes: 'yes', page: 'yes' },
  page: { ...served, page: 'yes' },
  library: assembled,
  app: assembled,
  start: {
    core: 'yes',
    azure: 'yes',
    gateway: 'types',
    stores: 'yes',
    archives: 'yes',
    routes: 'yes',
    app: 'yes',
    start: 'yes',
  },
  doors: {
    ...outside,
    doors: { takers: ['cli.ts'], files: ['node.ts'] },
    cli: { takers: ['cli.ts'] },
    'node-http': { takers: ['node.ts', 'bun.ts', 'deno.ts'] },
    // Nothing else may answer from the emulator.
    emulator: { takers: ['node.ts', 'workers.ts', 'bun.ts', 'deno.ts', 'emulator.ts', 'cli.ts'] },
  },
  cli: {
    ...outside,
    gateway: 'types',
    // The doctor fetches the keys of callers' tokens as the server does.
    routes: { takers: ['cli/examine-callers.ts'], files: ['routes/remote-keys.ts'] },
    doors: { files: ['node.ts', 'bun.ts', 'deno.ts'] },
    cli: 'yes',
    emulator: 'yes',
  },
  'node-http': { core: 'yes', 'node-http': 'yes' },
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
  azure: [...zod, 'jose'],
  stores: [],
  archives: [],
  gateway: zod,
  routes: [...hono, ...zod, 'jose'],
  page: [...hono, ...zod],
  library: [...hono, ...zod],
  app: [...hono, ...zod],
  start: [...hono, ...zod, 'aws4fetch', 'redis', 'ioredis', ...runtime],
  doors: [...hono, ...runtime],
  cli: [...hono, ...runtime],
  'node-http': [...runtime, 'undici', 'ws'],
  emulator: hono,
}

/** The zones that may use a runtime's globals, and the one backend for each engine that is the runtime's own. */
export const atRuntime: readonly string[] = [
  'doors',
  'cli',
  'node-http',
  'stores/sqlite.ts',
  'archives/fs.ts',
  'archives/lib/disk.ts',
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
export const makers: readonly Zone[] = ['app', 'library', 'start', 'doors', 'cli']

/** What is an argument below the app. `new Date` is meant without arguments; `globalThis` is the way around. */
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
    file: 'start/console-log.ts',
    use: 'console',
    reason: 'the log of every door',
  },
]

/** Lines after which a file is too long. */
export const maxLines = 300

/** Files that still break a rule about their text: what, and how often. A rule that is kept better fails too. */
export const textExceptions: Readonly<Record<string, Readonly<Partial<Record<TextRule, number>>>>> =
  {
    'start/redis.ts': { cast: 1 },
  }

/** Rules about the text of a file. */
export type TextRule = 'lines' | 'state' | 'cast'

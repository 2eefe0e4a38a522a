/**
 * The architecture as data: which zone may import which. ARCHITECTURE.md draws it; `rules.ts` checks it.
 *
 * @module
 */

/** A zone: a folder of `src/`, or one of the two kinds of files directly in it. */
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

/** Files directly in `src/`: entry points, and the app between them. */
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
 * The rooms of a zone, in the direction of its imports. A file may import from its own room, from the rooms after it in
 * this list, and from files directly in the folder of the zone. Those files import only types from the rooms. A folder in
 * a room belongs to that room, unless it is listed itself.
 */
export const rooms: Readonly<Partial<Record<Zone, readonly string[]>>> = {
  gateway: ['proxy', 'capture', 'containers', 'files', 'archive', 'upstreams', 'owners'],
  core: [
    'rewrite/stream',
    'rewrite',
    'rewrite/text',
    'links',
    'api/citations',
    'api/names',
    'api',
    'sse',
    'json',
    'zip',
    'bytes',
    'observe',
    'http',
  ],
}

/** Known imports against the direction of the rooms, each with its reason. */
export const roomExceptions: readonly (readonly [from: string, to: string, reason: string])[] = []

/** Data that a script writes into the sources. */
export const generated: readonly string[] = ['routes/openapi.json']

/** Most files directly in one folder of a zone with rooms. */
export const mostFlatFiles = 8

/**
 * What one zone may import from another: everything, types only (`import type`), or only some `files`, only for some
 * `takers`, with or without the `types` of all others.
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

/** Interface of the archives, and code that the engines share. */
const archiveInterface: readonly string[] = [
  'archives/archive.ts',
  'archives/lib/bucket.ts',
  'archives/lib/disk.ts',
  'archives/lib/parts.ts',
  'archives/lib/request.ts',
  'archives/lib/verify.ts',
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

/** A row imports, a column is imported. Missing cells are forbidden. */
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
    // Only entry points may use the emulator.
    emulator: { takers: ['node.ts', 'workers.ts', 'bun.ts', 'deno.ts', 'emulator.ts', 'cli.ts'] },
  },
  cli: {
    ...outside,
    gateway: 'types',
    // The doctor fetches the keys of callers' tokens as the server does.
    routes: { takers: ['cli/diagnosis.ts'], files: ['routes/callers/remote-keys.ts'] },
    doors: { files: ['node.ts', 'bun.ts', 'deno.ts'] },
    cli: 'yes',
    emulator: 'yes',
  },
  'node-http': { core: 'yes', 'node-http': 'yes' },
  emulator: { emulator: 'yes' },
}

/** Packages by prefixes of their specifiers. A prefix that ends in neither `/` nor `:` also matches as a whole. */
const hono = ['hono']
// The full `zod` adds a hundred kilobytes to a Worker.
const zod = ['zod/mini']
/** Modules that only a runtime provides. */
export const runtime: readonly string[] = [
  'node:',
  'bun:',
  'bun',
  'cloudflare:',
  '@hono/node-server',
  'better-sqlite3',
]

/** Packages that a zone may import. */
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
  start: [...hono, ...zod, 'aws4fetch', 'redis', ...runtime],
  doors: [...hono, ...runtime],
  cli: [...hono, ...runtime],
  'node-http': [...runtime, 'undici', 'ws'],
  emulator: hono,
}

/** Zones that may use globals of a runtime, and the backends that belong to one runtime. */
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

/** Zones that create network, clock, random and timers for the zones below. */
export const creatorZones: readonly Zone[] = ['app', 'library', 'start', 'doors', 'cli']

/** Globals that are arguments below the app. `new Date` only without arguments; `globalThis` would be a way around. */
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

/** Zones that may use the console. */
export const consoleZones: readonly Zone[] = ['doors', 'cli']

/** The only file with a default export, which Workers require. */
export const defaultExporters: readonly string[] = ['workers.ts']

/** A use that a rule forbids and that is allowed. An allowance without such a use is an error too. */
export interface Allowance {
  readonly file: string
  readonly use: string
  readonly reason: string
}

export const allowances: readonly Allowance[] = [
  {
    file: 'emulator/emulator.ts',
    use: 'Date.now',
    reason: 'the default of its option `now`',
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

/** Most lines of a file. */
export const maxLines = 300

/** Files that still break a text rule, with the number of offences. Fewer offences than listed are an error too. */
export const textExceptions: Readonly<Record<string, Readonly<Partial<Record<TextRule, number>>>>> =
  {}

/** Rules about the text of a file. */
export type TextRule = 'lines' | 'state' | 'cast'

/**
 * Checks sources against the architecture. Each offence is a line `src/file.ts:line what: why`.
 *
 * @module
 */

import { findCycle } from './cycles.ts'
import {
  type Allowance,
  ambient,
  atRuntime,
  type Cell,
  consoleZones,
  creatorZones,
  defaultExporters,
  generated,
  maxLines,
  mostFlatFiles,
  packages,
  roomExceptions,
  rooms,
  runtime,
  runtimeGlobals,
  type TextRule,
  table,
  textExceptions,
  topFiles,
  type Zone,
} from './house.ts'
import { lineAt, maskSource } from './mask.ts'
import { type ImportStatement, readImports } from './statements.ts'
import { findUses } from './uses.ts'

/** Source texts by their paths below `src/`. */
export type Sources = Readonly<Record<string, string>>

interface Module {
  readonly path: string
  readonly zone: Zone
  readonly source: string
  readonly masked: string
  readonly imports: readonly ImportStatement[]
}

/** Returns all offences, in the order of the files. */
export function findOffences(sources: Sources, allowances: readonly Allowance[] = []): string[] {
  const homeless = Object.keys(sources).filter((path) => zoneOf(path) === undefined)
  const modules = Object.entries(sources).flatMap(([path, source]) => readModule(path, source))
  const used = modules.flatMap(findForbiddenUses)
  const isAllowed = ({ file, use }: Use): boolean =>
    allowances.some((allowance) => allowance.file === file && allowance.use === use)
  return [
    ...checkRooms(Object.keys(sources)),
    ...homeless.map((path) => `src/${path}:1 has no row in the import table`),
    ...modules.flatMap((module) => [
      ...module.imports.flatMap((statement) => checkImport(module, statement, sources)),
      ...checkText(module),
    ]),
    ...used.filter((use) => !isAllowed(use)).map(({ offence }) => offence),
    ...allowances
      .filter(({ file, use }) => !used.some((found) => found.file === file && found.use === use))
      .map(({ file, use }) => `src/${file}:1 ${use}: is allowed but not used any more`),
    ...checkCycles(modules),
  ]
}

function readModule(path: string, source: string): Module[] {
  const zone = zoneOf(path)
  if (zone === undefined) return []
  const masked = maskSource(source)
  return [{ path, zone, source, masked, imports: readImports(source, masked) }]
}

function zoneOf(path: string): Zone | undefined {
  const [top = '', ...rest] = path.split('/')
  if (rest.length === 0) return topFiles[top]
  return top !== 'app' && top !== 'doors' && top in table ? (top as Zone) : undefined
}

function checkImport(module: Module, statement: ImportStatement, sources: Sources): string[] {
  const { line, specifier } = statement
  const why =
    specifier === undefined
      ? 'is not a literal, so its target is unknown'
      : specifier.startsWith('.')
        ? whyNotFile(module, statement, resolve(module.path, specifier), sources)
        : whyNotPackage(module, specifier)
  return why === undefined ? [] : [`src/${module.path}:${line} import '${specifier}': ${why}`]
}

function whyNotFile(
  { path, zone }: Module,
  { typeOnly }: ImportStatement,
  target: string,
  sources: Sources,
): string | undefined {
  if (generated.includes(target)) return undefined
  if (!target.endsWith('.ts')) return 'does not end in .ts'
  if (!(target in sources)) return 'does not exist'
  const to = zoneOf(target)
  // A file without a row is an offence itself.
  return to === undefined
    ? undefined
    : whyNotCell(table[zone][to], { path, zone, target, to, typeOnly })
}

interface Step {
  readonly path: string
  readonly zone: Zone
  readonly target: string
  readonly to: Zone
  readonly typeOnly: boolean
}

function whyNotCell(cell: Cell | undefined, step: Step): string | undefined {
  const { path, zone, target, to, typeOnly } = step
  if (zone === to) {
    const why = whyNotRoom(step)
    if (why !== undefined) return why
  }
  if (cell === 'yes') return undefined
  if (cell === undefined) return `${zone} may import nothing from ${to}`
  if (cell === 'types') return typeOnly ? undefined : `${zone} may import only types from ${to}`
  const { files = [target], takers = [path], types } = cell
  if (takers.includes(path) && files.includes(target)) return undefined
  if (types && typeOnly) return undefined
  return `${zone} may import from ${to} only ${cell.files?.join(', ') ?? 'it'} in ${cell.takers?.join(', ') ?? 'any file'}${types ? ', and types' : ''}`
}

/** Checks that the rooms of a zone import in one direction. */
function whyNotRoom({ path, zone, target, typeOnly }: Step): string | undefined {
  const order = rooms[zone]
  if (order === undefined) return undefined
  const [from, to] = [roomOf(path), roomOf(target)]
  if (to === undefined || from === to) return undefined
  if (from === undefined) {
    return typeOnly ? undefined : `a file directly in ${zone} imports only types from its rooms`
  }
  const isKnown = roomExceptions.some(([one, other]) => one === path && other === target)
  return isKnown || order.indexOf(from) < order.indexOf(to)
    ? undefined
    : `${zone}/${from} comes after ${zone}/${to}`
}

/** Returns the room of a file: the deepest of its folders that is listed. `undefined` directly in a zone. */
function roomOf(path: string): string | undefined {
  const [zone = '', ...folders] = path.split('/').slice(0, -1)
  const order = rooms[zone as Zone] ?? []
  const names = folders.map((_, depth) => folders.slice(0, depth + 1).join('/'))
  return names.findLast((name) => order.includes(name)) ?? names[0]
}

/** Finds rooms that are not listed, and folders with too many files. */
function checkRooms(paths: readonly string[]): string[] {
  return Object.entries(rooms).flatMap(([zone, order]) => {
    const own = paths.filter((path) => path.startsWith(`${zone}/`))
    const unknown = own.filter((path) => !order.includes(roomOf(path) ?? order[0] ?? ''))
    const folders = own.map((path) => path.slice(0, path.lastIndexOf('/')))
    const countIn = (folder: string): number => folders.filter((other) => other === folder).length
    const full = [...new Set(folders)].filter((folder) => countIn(folder) > mostFlatFiles)
    return [
      ...unknown.map((path) => `src/${path}:1 is in a room that is not listed`),
      ...full.map(
        (folder) => `src/${folder}:1 holds ${countIn(folder)} files, more than ${mostFlatFiles}`,
      ),
    ]
  })
}

function whyNotPackage({ path, zone }: Module, specifier: string): string | undefined {
  const allowed = atRuntime.includes(path) ? [...packages[zone], ...runtime] : packages[zone]
  return allowed.some((name) => isOf(specifier, name))
    ? undefined
    : `${zone} may not import this package`
}

function isOf(specifier: string, name: string): boolean {
  return name.endsWith(':')
    ? specifier.startsWith(name)
    : specifier === name || specifier.startsWith(`${name}/`)
}

function resolve(from: string, specifier: string): string {
  const base = new URL(`file:///src/${from}`)
  const { pathname } = new URL(specifier, base)
  return pathname.startsWith('/src/') ? pathname.slice('/src/'.length) : pathname
}

interface Use {
  readonly file: string
  readonly use: string
  readonly offence: string
}

function findForbiddenUses({ path, zone, masked }: Module): Use[] {
  const find = (names: readonly string[], why: string): Use[] =>
    names.flatMap((use) =>
      findUses(masked, use).map((offset) => ({
        file: path,
        use,
        offence: `src/${path}:${lineAt(masked, offset)} ${use}: ${why}`,
      })),
    )
  const ofRuntime = atRuntime.includes(zone) || atRuntime.includes(path)
  return [
    ...(ofRuntime
      ? []
      : find(runtimeGlobals, `is not available in ${zone}, which runs everywhere`)),
    ...(creatorZones.includes(zone) ? [] : find(ambient, 'is an argument below the app')),
    ...(consoleZones.includes(zone)
      ? []
      : find(['console'], 'only doors and cli write to the console')),
  ]
}

const anyType =
  /(?:[:<|&]|=>|\b(?:as|satisfies|extends)|\btype\s+\w+\s*=)\s*any\b(?=\s*(?:[[\]>),;|&={}\n]|$))|,\s*any\s*>|\bany\s*\[\s*\]/g
const defaultExport = /(?<![.\w$])export\s+(?:default\b|\{[^}]*\bas\s+default\b)/g

// An empty collection at the top of a module is filled later.
const moduleState =
  /^(?:export\s+)?(?:let\s+\w+|const\s+\w+(?:\s*:[^=]+)?\s*=\s*new\s+(?:Weak)?(?:Map|Set)(?:<[^()]*>)?\(\s*\))/gm
// Values from outside must pass a schema, which reports what is wrong with them.
const outsideCast =
  /\bas\s+unknown\s+as\b|(?:\bJSON\.parse\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\.json\(\s*\)\)*)\s*as\s/g
/** Zones whose modules may have state, since one process runs one of them. */
const statefulZones: readonly Zone[] = ['doors', 'cli', 'emulator']

function checkText({ path, zone, source, masked }: Module): string[] {
  const found = (shape: RegExp): number[] =>
    [...masked.matchAll(shape)].map(({ index }) => lineAt(masked, index))
  const at = (shape: RegExp, why: string): string[] =>
    found(shape).map((line) => `src/${path}:${line} ${why}`)
  const excepted = textExceptions[path] ?? {}
  /** Returns the offences of a rule, unless their number is the known one. */
  const beyond = (rule: TextRule, shape: RegExp, why: string): string[] =>
    found(shape).length === (excepted[rule] ?? 0) ? [] : at(shape, why)
  const lines = source.trimEnd().split('\n').length
  const most = excepted.lines ?? maxLines
  const mayHaveState = statefulZones.includes(zone)
  return [
    ...(mayHaveState
      ? []
      : beyond(
          'state',
          moduleState,
          'module state: keep it in Gateway, or in a closure that is made once',
        )),
    ...(mayHaveState
      ? []
      : beyond('cast', outsideCast, 'cast of data from outside: read it by a schema')),
    ...at(anyType, 'any: use the type, or unknown'),
    ...(defaultExporters.includes(path) ? [] : at(defaultExport, 'default export: give it a name')),
    ...(lines > most ? [`src/${path}:${lines} has ${lines} lines, more than ${most}`] : []),
  ]
}

function checkCycles(modules: readonly Module[]): string[] {
  const graph = new Map(
    modules.map(({ path, imports }) => [
      path,
      imports.flatMap(({ specifier }) =>
        specifier?.startsWith('.') ? [resolve(path, specifier)] : [],
      ),
    ]),
  )
  const cycle = findCycle(graph)
  if (cycle === undefined) return []
  const [first = '', second] = cycle
  const closing = modules
    .find(({ path }) => path === first)
    ?.imports.find(({ specifier = '' }) => resolve(first, specifier) === second)
  return [
    `src/${first}:${closing?.line} import '${closing?.specifier}': an import cycle, ${cycle.join(' → ')}`,
  ]
}

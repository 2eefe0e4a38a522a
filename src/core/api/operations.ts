/**
 * What a request of the OpenAI API does, told from its method and path: which things it names, what its answer may show,
 * who may send it, and how long it may take.
 *
 * @module
 */

import { isId } from '../ids.ts'
import { decodeOnce } from '../url.ts'
import {
  type BodyForm,
  isOperators,
  type NamedKind,
  namedKinds,
  type Shows,
  type TableEntry,
  type TablePath,
  tablePaths,
} from './operation-table.ts'

export { type BodyForm, type NamedKind, namedKinds, type Shows } from './operation-table.ts'

/** A request's meaning, as far as a gateway must know it. */
export interface Operation {
  /** Its path in the API's documents, such as `/responses/{response}`; absent where it is in none. */
  readonly pattern?: string
  readonly shows: Shows
  /** The kind of the things that it makes, reads or lists. */
  readonly kind: NamedKind
  /** What its path names, in the order of the path; an id may be malformed. */
  readonly ids: readonly { readonly kind: NamedKind; readonly id: string }[]
  /** Whether `after` and `before` in its query name rows, of its kind. */
  readonly isPaged: boolean
  /** Who may send it where callers are told apart: all of them, admins only, or nobody, since it was not reviewed. */
  readonly askers: 'callers' | 'admins' | 'nobody'
  /** Whether the path is spelt as the API's documents spell it, without any escape that a server could read in two ways. */
  readonly isExact: boolean
  /** Whether any upstream with the model can do it. */
  readonly generates: boolean
  readonly body: BodyForm
  /** Whether it is answered at once or not at all: files and metadata. */
  readonly isQuick: boolean
  /** Whether its body may hold what cfile added to an answer before. */
  readonly takesHistory: boolean
}

/**
 * Reads what a request does. Escapes, upper case and superfluous slashes are read as a lenient server would read them, so
 * that a respelt path means the same; {@link Operation.isExact} tells.
 */
export function operationOf(method: string, path: string): Operation {
  const raw = path.split('/').slice(1)
  const segments = raw.filter((segment) => segment !== '').map(decodeOnce)
  const found = findPath(method, segments)
  const read = found ? readFound(found, method, segments) : readUnknown(method, segments)
  const first = segments[0]?.toLowerCase()
  return {
    ...read,
    pattern: found && `/${found.path.parts.join('/')}`,
    askers: found ? 'callers' : isOperators(method, segments) ? 'admins' : 'nobody',
    isExact: found === undefined ? read.isExact : isExact(found.path, raw),
    isQuick: first === 'containers' || first === 'files',
    takesHistory: method === 'POST' && (first === 'responses' || first === 'conversations'),
  }
}

type Read = Omit<Operation, 'askers' | 'isQuick' | 'takesHistory'>

interface Found {
  readonly path: TablePath
  readonly entry: TableEntry
}

const silent: TableEntry = { shows: 'nothing', generates: false, body: 'json' }

function findPath(method: string, segments: readonly string[]): Found | undefined {
  const paths = tablePaths.filter(({ parts }) => matches(parts, segments))
  const name = method === 'HEAD' ? 'GET' : method
  for (const path of paths) {
    const entry = Object.hasOwn(path.methods, name) ? path.methods[name] : undefined
    if (entry !== undefined) return { path, entry }
  }
  return undefined
}

function matches(parts: readonly string[], segments: readonly string[]): boolean {
  return (
    parts.length === segments.length &&
    parts.every((part, index) => isHole(part) || part === segments[index]?.toLowerCase())
  )
}

function isHole(part: string): boolean {
  return part.startsWith('{')
}

function readFound(
  { path: { parts }, entry }: Found,
  method: string,
  segments: readonly string[],
): Read {
  const last = parts.at(-1) ?? ''
  const isRows = /^(?:list|rows|history)$/.test(entry.shows) && !isHole(last)
  // A HEAD has no rows, but its length would tell of them.
  const shows = method === 'HEAD' && entry.shows !== 'list' ? 'nothing' : entry.shows
  return {
    ...entry,
    shows,
    kind: isRows ? (collections.get(last) ?? 'thing') : lastKind(parts),
    ids: parts.flatMap((part, index) => {
      const kind = holeKind(part)
      return kind === undefined ? [] : [{ kind, id: segments[index] ?? '' }]
    }),
    isPaged: !isHole(last) && entry.shows !== 'nothing' && method !== 'POST',
    isExact: false,
  }
}

function holeKind(part: string): NamedKind | undefined {
  return namedKinds.find((kind) => part === `{${kind}}`)
}

const collections = new Map<string, NamedKind>([
  ['responses', 'response'],
  ['conversations', 'conversation'],
  ['containers', 'container'],
  ['files', 'file'],
])

function lastKind(parts: readonly string[]): NamedKind {
  for (const part of parts.toReversed()) {
    const kind = holeKind(part) ?? collections.get(part)
    if (kind !== undefined) return kind
  }
  return 'thing'
}

/** What nobody reviewed: a collection and an id, as nearly all of the API is made. Its records only tell where it lives. */
function readUnknown(method: string, segments: readonly string[]): Read {
  const [, id, deeper] = segments
  const isRead = method === 'GET'
  const shows = deeper !== undefined ? 'nothing' : isRead && id === undefined ? 'list' : 'thing'
  return {
    ...silent,
    shows: isRead || method === 'POST' ? shows : 'nothing',
    kind: 'thing',
    ids: isId(id) ? [{ kind: 'thing', id }] : [],
    isPaged: false,
    isExact: true,
  }
}

// Names of models and deployments, and the numbers of versions.
const nameGrammar = /^(?!\.+$)(?:[\w:.~@+-]|%3A)+$/i

function isExact({ parts }: TablePath, raw: readonly string[]): boolean {
  if (raw.length !== parts.length) return false
  return parts.every((part, index) => {
    const segment = raw[index] ?? ''
    if (!isHole(part)) return segment === part
    return holeKind(part) === undefined ? nameGrammar.test(segment) : isId(segment)
  })
}

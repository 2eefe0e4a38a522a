/**
 * Determines from method and path what a request of the OpenAI API does: which ids it names, what its answer contains,
 * who may send it, how long it may take.
 *
 * @module
 */

import { isId } from '../ids.ts'
import { decodeOnce } from '../url.ts'
import {
  type AnswerKind,
  type BodyForm,
  isOperatorOnly,
  type NamedKind,
  namedKinds,
  type TableEntry,
  type TablePath,
  tablePaths,
} from './operation-table.ts'

export {
  type AnswerKind,
  type BodyForm,
  type NamedKind,
  namedKinds,
  socketMessages,
} from './operation-table.ts'

/** The facts about a request that the gateway needs. */
export interface Operation {
  /** Its path in the API's documentation, such as `/responses/{response}`; absent for an unknown path. */
  readonly pattern?: string
  readonly answerKind: AnswerKind
  /** The kind of the things that it creates, reads or lists. */
  readonly kind: NamedKind
  /** The ids in its path, in order. An id may be malformed. */
  readonly ids: readonly { readonly kind: NamedKind; readonly id: string }[]
  /** Whether `after` and `before` in its query name rows of its kind. */
  readonly isPaged: boolean
  /** Who may send it with caller auth. `nobody`: the operation was not reviewed. */
  readonly allowedTo: 'callers' | 'admins' | 'nobody'
  /**
   * Whether the path is spelled as in the API's documentation, without escapes that a server could read in two ways.
   */
  readonly isExact: boolean
  /** Whether any upstream with the model can do it. */
  readonly generates: boolean
  readonly body: BodyForm
  /** Whether it takes little time, because it handles only files and metadata. */
  readonly isQuick: boolean
  /** Whether its body may contain what cfile added to an earlier answer. */
  readonly takesHistory: boolean
}

/**
 * Determines what a request does. Escapes, upper case and extra slashes are read as a lenient server reads them, so
 * that another spelling means the same. {@link Operation.isExact} shows the difference.
 *
 * @param method in upper case; HEAD is looked up as GET
 * @param path the path below `/openai/v1`, with a leading slash
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
    allowedTo: found ? 'callers' : isOperatorOnly(method, segments) ? 'admins' : 'nobody',
    isExact: found === undefined ? read.isExact : isExact(found.path, raw),
    isQuick: first === 'containers' || first === 'files',
    takesHistory: method === 'POST' && (first === 'responses' || first === 'conversations'),
  }
}

type Read = Omit<Operation, 'allowedTo' | 'isQuick' | 'takesHistory'>

interface Found {
  readonly path: TablePath
  readonly entry: TableEntry
}

const unreviewed: TableEntry = { answerKind: 'nothing', generates: false, body: 'json' }

function findPath(method: string, segments: readonly string[]): Found | undefined {
  const paths = tablePaths().filter(({ parts }) => matches(parts, segments))
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
    parts.every((part, index) => isParameter(part) || part === segments[index]?.toLowerCase())
  )
}

function isParameter(part: string): boolean {
  return part.startsWith('{')
}

/** The facts about a request whose path is in the table. */
function readFound(
  { path: { parts }, entry }: Found,
  method: string,
  segments: readonly string[],
): Read {
  const last = parts.at(-1) ?? ''
  const isRows = /^(?:list|rows|history)$/.test(entry.answerKind) && !isParameter(last)
  // A HEAD answer has no rows, but its Content-Length would reveal their size.
  const answerKind = method === 'HEAD' && entry.answerKind !== 'list' ? 'nothing' : entry.answerKind
  return {
    ...entry,
    answerKind,
    kind: isRows ? (collections.get(last) ?? 'thing') : lastKind(parts),
    ids: parts.flatMap((part, index) => {
      const kind = parameterKind(part)
      return kind === undefined ? [] : [{ kind, id: segments[index] ?? '' }]
    }),
    isPaged: !isParameter(last) && entry.answerKind !== 'nothing' && method !== 'POST',
    isExact: false,
  }
}

function parameterKind(part: string): NamedKind | undefined {
  return namedKinds.find((kind) => part === `{${kind}}`)
}

const collections = new Map<string, NamedKind>([
  ['responses', 'response'],
  ['conversations', 'conversation'],
  ['containers', 'container'],
  ['files', 'file'],
])

/** The kind of the last thing in a path. */
function lastKind(parts: readonly string[]): NamedKind {
  for (const part of parts.toReversed()) {
    const kind = parameterKind(part) ?? collections.get(part)
    if (kind !== undefined) return kind
  }
  return 'thing'
}

/**
 * An operation that was not reviewed is read as a collection and an id, like most of the API. Its records contain only the
 * upstream.
 */
function readUnknown(method: string, segments: readonly string[]): Read {
  const [, id, deeper] = segments
  const isRead = method === 'GET'
  const answerKind =
    deeper !== undefined ? 'nothing' : isRead && id === undefined ? 'list' : 'thing'
  return {
    ...unreviewed,
    answerKind: isRead || method === 'POST' ? answerKind : 'nothing',
    kind: 'thing',
    ids: isId(id) ? [{ kind: 'thing', id }] : [],
    isPaged: false,
    isExact: true,
  }
}

// Names of models and deployments, and version numbers.
const nameGrammar = /^(?!\.+$)(?:[\w:.~@+-]|%3A)+$/i

/**
 * Whether a path is spelled as in the documentation.
 *
 * @param raw segments of the path, not decoded
 */
function isExact({ parts }: TablePath, raw: readonly string[]): boolean {
  if (raw.length !== parts.length) return false
  return parts.every((part, index) => {
    const segment = raw[index] ?? ''
    if (!isParameter(part)) return segment === part
    return parameterKind(part) === undefined ? nameGrammar.test(segment) : isId(segment)
  })
}

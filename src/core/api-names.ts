/**
 * Which things a request of the OpenAI API names, in its path, its query and its body: they decide where it must go, and
 * whether the caller may send it.
 *
 * @module
 */

import { isStateless, type Operation, pathSegments } from './api-operations.ts'
import { CfileError } from './errors.ts'
import { isId } from './ids.ts'

/** Things that live in one upstream, by kind; each id once. */
export interface Names {
  readonly response: readonly string[]
  readonly conversation: readonly string[]
  readonly container: readonly string[]
  readonly file: readonly string[]
  /** Whatever else the API keeps: vector stores, batches, threads. An empty id stands for one that is none. */
  readonly thing: readonly string[]
}

/** A kind of thing that has a record. */
export type NamedKind = keyof Names

// Those whose things have a kind of their own.
const collections: Readonly<Record<string, NamedKind>> = {
  responses: 'response',
  conversations: 'conversation',
  containers: 'container',
  files: 'file',
}

// Verbs and sub-collections of the API that stand where an id would.
const notIds = new Set(['compact', 'input_tokens', 'files', 'items', 'content', 'runs'])

// Collections that stand one level deeper.
const groups = new Set(['chat', 'fine_tuning', 'organization'])

/**
 * The ids in a path below `/v1`, such as `/containers/{id}/files/{id}/content`.
 *
 * @throws CfileError `invalid_id` for what stands in the place of an id and is none
 */
export function namesInPath(path: string): Names {
  const segments = pathSegments(path)
  const names = emptyNames()
  for (const [index, segment] of segments.entries()) {
    const kind = ownKind(segment)
    const id = segments[index + 1]
    if (kind === undefined || id === undefined || notIds.has(id)) continue
    if (!isId(id)) throw malformed(kind)
    // Files of vector stores and the like are files all the same.
    names[kind].add(id)
  }
  const [first = '', second, third] = segments
  if (ownKind(first) === undefined && !(isStateless(first) && !groups.has(first))) {
    const id = groups.has(first) ? third : second
    if (id !== undefined && !notIds.has(id)) names.thing.add(isId(id) ? id : '')
  }
  return toLists(names)
}

/** The ids by which a list of such things is paged. */
export function namesInQuery(query: string, kind: NamedKind | undefined): Names {
  const names = emptyNames()
  const parameters = new URLSearchParams(query)
  for (const name of ['after', 'before']) {
    const ids = kind === undefined ? [] : parameters.getAll(name).filter((id) => id !== '')
    for (const id of ids) names[kind ?? 'thing'].add(isId(id) ? id : '')
  }
  return toLists(names)
}

/** All that any of them names. */
export function mergeNames(...all: readonly Names[]): Names {
  const merged = emptyNames()
  for (const names of all) {
    for (const kind of namedKinds) for (const id of names[kind]) merged[kind].add(id)
  }
  return toLists(merged)
}

/** The kinds of things that a request may name. */
export const namedKinds: readonly NamedKind[] = [
  'response',
  'conversation',
  'container',
  'file',
  'thing',
]

/** The kind of the things that an operation makes, reads or lists. */
export function kindOf({ collection = '' }: Operation): NamedKind {
  return ownKind(collection) ?? 'thing'
}

function ownKind(segment: string): NamedKind | undefined {
  return Object.hasOwn(collections, segment) ? collections[segment] : undefined
}

/** No names yet, to be filled. */
export function emptyNames(): Record<NamedKind, Set<string>> {
  return {
    response: new Set(),
    conversation: new Set(),
    container: new Set(),
    file: new Set(),
    thing: new Set(),
  }
}

/** Names that are complete. */
export function toLists(names: Record<NamedKind, Set<string>>): Names {
  return {
    response: [...names.response],
    conversation: [...names.conversation],
    container: [...names.container],
    file: [...names.file],
    thing: [...names.thing],
  }
}

function malformed(kind: NamedKind): CfileError {
  return new CfileError('invalid_id', `The path has no ${kind} id where one belongs.`, {
    hint: 'An id has 1 to 128 letters, digits, "_" and "-".',
  })
}

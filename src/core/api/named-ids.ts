/**
 * Which things a request of the OpenAI API names, in its path, its query and its body: they decide where it must go, and
 * whether the caller may send it.
 *
 * @module
 */

import { CfileError } from '../errors.ts'
import { isId } from '../ids.ts'
import { type NamedKind, namedKinds, type Operation } from './operations.ts'

export { namedKinds }

/** Things that live in one upstream, by kind; each id once. */
export interface Names {
  readonly response: readonly string[]
  readonly conversation: readonly string[]
  readonly container: readonly string[]
  readonly file: readonly string[]
  /** Whatever else the API keeps: vector stores, batches, threads. An empty id stands for one that is none. */
  readonly thing: readonly string[]
}

/**
 * The ids in a request's path.
 *
 * @throws CfileError `invalid_id` for a malformed id
 */
export function namesInPath({ ids }: Pick<Operation, 'ids'>): Names {
  const names = emptyNames()
  for (const { kind, id } of ids) {
    if (!isId(id) && kind !== 'thing') throw malformed(kind)
    names[kind].add(isId(id) ? id : '')
  }
  return toLists(names)
}

// Servers read the names of parameters in any case, and some take a list as `after[]`.
const cursor = /^(?:after|before)(?:\[.*)?$/i
const filter = /^run_id(?:\[.*)?$/i

/** The ids in a request's query: those by which a list is paged, and the run by which messages are filtered. */
export function namesInQuery(
  query: string,
  { isPaged, kind }: Pick<Operation, 'isPaged' | 'kind'>,
): Names {
  const names = emptyNames()
  if (!isPaged) return toLists(names)
  for (const [name, id] of new URLSearchParams(query)) {
    const named = cursor.test(name) ? kind : filter.test(name) ? 'thing' : undefined
    if (named !== undefined && id !== '') names[named].add(isId(id) ? id : '')
  }
  return toLists(names)
}

/** How many things a request may name: each is looked up in the store. */
export const mostNames = 1000

/** The refusal of a request that names more than {@link mostNames} things. */
export function tooManyNames(): CfileError {
  return new CfileError('invalid_request', `The request names more than ${mostNames} things.`, {
    hint: 'Send several requests that name fewer things each.',
  })
}

/** All that any of them names. */
export function mergeNames(...all: readonly Names[]): Names {
  const merged = emptyNames()
  for (const names of all) {
    for (const kind of namedKinds) for (const id of names[kind]) merged[kind].add(id)
  }
  return toLists(merged)
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

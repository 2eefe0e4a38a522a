/**
 * The ids that a request of the OpenAI API names in its path, query and body. They decide its upstream and whether the
 * caller may send it.
 *
 * @module
 */

import { CfileError } from '../../errors.ts'
import { isId } from '../../ids.ts'
import { type NamedKind, namedKinds, type Operation } from '../operations.ts'

/** Ids of things that exist in one upstream, by kind, without duplicates. */
export interface Names {
  readonly response: readonly string[]
  readonly conversation: readonly string[]
  readonly container: readonly string[]
  readonly file: readonly string[]
  /**
   * Any other thing of the API, such as vector stores, batches and threads. An empty string stands for a malformed id.
   */
  readonly thing: readonly string[]
}

/**
 * The ids in a request's path.
 *
 * @param operation of the request, with the ids in its path in order
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

// Servers ignore the case of parameter names, and some accept a list as `after[]`.
const cursor = /^(?:after|before)(?:\[.*)?$/i
const filter = /^run_id(?:\[.*)?$/i

/**
 * The ids in a request's query: page cursors, and the run that filters messages.
 *
 * @param query with or without its question mark
 * @param operation of the request; its kind is that of the rows that cursors name
 */
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

/** The most ids that a request may name. Each needs a lookup in the store. */
export const mostNames = 1000

/** The error for a request that names more than {@link mostNames} ids. */
export function tooManyNames(): CfileError {
  return new CfileError('invalid_request', `The request names more than ${mostNames} things.`, {
    hint: 'Send several requests that name fewer things each.',
  })
}

/**
 * The number of store lookups that the ids of a body take.
 *
 * @param names ids that it names
 * @param carried ids that it only carries
 */
export function countNames({
  names,
  carried,
}: {
  readonly names: Names
  readonly carried: Names
}): number {
  return namedKinds.reduce((sum, kind) => sum + names[kind].length + carried[kind].length, 0)
}

/**
 * Merges names without duplicates.
 *
 * @param all names of the path, the query and the body
 */
export function mergeNames(...all: readonly Names[]): Names {
  const merged = emptyNames()
  for (const names of all) {
    for (const kind of namedKinds) for (const id of names[kind]) merged[kind].add(id)
  }
  return toLists(merged)
}

/** Creates empty sets of ids. */
export function emptyNames(): Record<NamedKind, Set<string>> {
  return {
    response: new Set(),
    conversation: new Set(),
    container: new Set(),
    file: new Set(),
    thing: new Set(),
  }
}

/** Converts sets of ids to lists. */
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

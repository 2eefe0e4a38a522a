/**
 * Which things a request of the OpenAI API names, in its path and in its body: they decide where it must go.
 *
 * @module
 */

import { isContainerId, isId } from './ids.ts'

/** Things that live in one upstream, by kind; each id once. */
export interface Names {
  readonly response: readonly string[]
  readonly conversation: readonly string[]
  readonly container: readonly string[]
  readonly file: readonly string[]
}

/** A kind of thing that has a record. */
export type NamedKind = keyof Names

const collections: Readonly<Record<string, NamedKind>> = {
  responses: 'response',
  conversations: 'conversation',
  containers: 'container',
  files: 'file',
}

// Verbs and sub-collections of the API that stand where an id would.
const notIds = new Set([
  'compact',
  'input_tokens',
  'files',
  'items',
  'content',
  'cancel',
  'input_items',
])

/** The ids in a path below `/v1`, such as `/containers/{id}/files/{id}/content`. */
export function namesInPath(path: string): Names {
  const segments = path.split('/').map(decode)
  const names = emptyNames()
  for (const [index, segment] of segments.entries()) {
    const kind = collections[segment]
    const id = segments[index + 1]
    // Files of vector stores and the like are files all the same.
    if (kind !== undefined && isId(id) && !notIds.has(id)) names[kind].add(id)
  }
  return toLists(names)
}

// Replayed answers carry citations, but those open nothing; a replayed call does: `auto` takes up its container again.
const opaque = new Set(['annotations', 'metadata', 'arguments', 'instructions', 'text', 'outputs'])

const keys: Readonly<Record<string, NamedKind>> = {
  previous_response_id: 'response',
  response_id: 'response',
  conversation: 'conversation',
  container: 'container',
  container_id: 'container',
  file_id: 'file',
  file_ids: 'file',
  input_file_id: 'file',
  training_file: 'file',
  validation_file: 'file',
}

const mostVisits = 100_000

/** The ids in a request's JSON body, wherever the API takes them. */
export function namesInBody(body: unknown): Names {
  const names = emptyNames()
  const waiting: unknown[] = [body]
  for (let visits = 0; waiting.length > 0 && visits < mostVisits; visits += 1) {
    const value = waiting.pop()
    if (typeof value !== 'object' || value === null) continue
    for (const [key, child] of Object.entries(value)) {
      if (opaque.has(key)) continue
      const kind = Array.isArray(value) ? undefined : keys[key]
      if (kind !== undefined) for (const id of idsIn(kind, child)) names[kind].add(id)
      if (typeof child === 'object') waiting.push(child)
    }
  }
  return toLists(names)
}

/** An id, a list of ids, or an object that has one: `conversation` is an id or `{id}`. */
function idsIn(kind: NamedKind, value: unknown): string[] {
  if (Array.isArray(value)) return value.filter(isId)
  if (kind === 'conversation' && typeof value === 'object' && value !== null && 'id' in value) {
    return isId(value.id) ? [value.id] : []
  }
  if (!isId(value)) return []
  // `container` may be anything elsewhere in a body.
  return kind === 'container' && !isContainerId(value) ? [] : [value]
}

/** All that either names. */
export function mergeNames(one: Names, other: Names): Names {
  const merged = emptyNames()
  for (const names of [one, other]) {
    for (const kind of namedKinds) for (const id of names[kind]) merged[kind].add(id)
  }
  return toLists(merged)
}

/** The kinds of things that a request may name. */
export const namedKinds: readonly NamedKind[] = ['response', 'conversation', 'container', 'file']

function emptyNames(): Record<NamedKind, Set<string>> {
  return { response: new Set(), conversation: new Set(), container: new Set(), file: new Set() }
}

function toLists(names: Record<NamedKind, Set<string>>): Names {
  return {
    response: [...names.response],
    conversation: [...names.conversation],
    container: [...names.container],
    file: [...names.file],
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

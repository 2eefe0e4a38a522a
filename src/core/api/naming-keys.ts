/**
 * The keys of request bodies and forms under which the API takes ids. One table for all operations, so that none can be
 * forgotten; `test/core/naming-keys.test.ts` holds it against OpenAI's published document.
 *
 * @module
 */

import { CfileError } from '../errors.ts'
import { isContainerFileId, isContainerId, isFileId, isId, isVectorStoreId } from '../ids.ts'
import type { NamedKind } from './operations.ts'

/** How a key names. */
export interface NamingKey {
  readonly kind: NamedKind
  /**
   * `id`: an id; `ids`: a list of ids; `either`: an id, or an object with one as its `id`; `object`: such an object, while
   * a string or a list is no name, as in `prompt`. All take `null`.
   */
  readonly takes: 'id' | 'ids' | 'either' | 'object'
  /** Whether a text can be such an id. */
  readonly isId: (text: unknown) => text is string
}

const of = (
  kind: NamedKind,
  takes: NamingKey['takes'],
  test: NamingKey['isId'] = isId,
): NamingKey => ({ kind, takes, isId: test })

/** Whether a text is the id of a file of either API. */
function isAnyFileId(text: unknown): text is string {
  return isFileId(text) || isContainerFileId(text)
}

const file = of('file', 'id', isAnyFileId)
const thing = of('thing', 'id')

/** All of them. */
export const namingKeys: ReadonlyMap<string, NamingKey> = new Map<string, NamingKey>([
  ['previous_response_id', of('response', 'id')],
  ['response_id', of('response', 'id')],
  ['conversation', of('conversation', 'either')],
  ['conversation_id', of('conversation', 'id')],
  ['container', of('container', 'either', isContainerId)],
  ['container_id', of('container', 'id', isContainerId)],
  ['file', of('file', 'either', isAnyFileId)],
  ['file_id', file],
  ['file_ids', of('file', 'ids', isAnyFileId)],
  ['input_file_id', file],
  ['training_file', file],
  ['validation_file', file],
  // The file of an eval run: {"type":"file_id","id"}.
  ['source', of('file', 'object', isAnyFileId)],
  ['vector_store_id', of('thing', 'id', isVectorStoreId)],
  ['vector_store_ids', of('thing', 'ids', isVectorStoreId)],
  ['thread_id', thing],
  ['assistant_id', thing],
  ['skill_id', thing],
  ['approval_request_id', thing],
  ['consent', thing],
  ['assistant', of('thing', 'either')],
  ['skill', of('thing', 'either')],
  ['thread', of('thing', 'object')],
  ['prompt', of('thing', 'object')],
  ['voice', of('thing', 'object')],
  ['audio', of('thing', 'object')],
  ['video', of('thing', 'object')],
  ['workflow', of('thing', 'object')],
])

// Other keys that decide how an object is read.
const deciding = ['type', 'id']

const folded = new Set([...namingKeys.keys(), ...deciding].map(fold))

/**
 * Whether a key is not one that names, but may pass for one with a reader that takes no notice of case, blanks or
 * separators.
 */
export function isDisguised(key: string): boolean {
  if (/^[a-z0-9_]*$/.test(key)) return false
  return !namingKeys.has(key) && folded.has(fold(key))
}

function fold(key: string): string {
  return key
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '')
}

const takesText = {
  id: 'the id of a',
  ids: 'a list of ids of a',
  either: 'the id, or an object with the "id", of a',
  object: 'an object with the "id" of a',
}

/** The refusal of what stands under a key that names and is no id. */
export function noSuchId(
  key: string,
  { kind, takes }: Pick<NamingKey, 'kind' | 'takes'>,
): CfileError {
  return new CfileError('invalid_request', `"${key}" is not ${takesText[takes]} ${kind}.`, {
    param: key,
    hint: 'An id is a string of 1 to 128 letters, digits, "_" and "-", with the prefix that the API gave it.',
  })
}

/** The error for a key that occurs twice in one object. */
export function doubledKey(key: string): CfileError {
  return new CfileError('invalid_request', `"${key}" stands twice in one object of the body.`, {
    param: key,
    hint: 'Give each key once, so that it can be read in one way only.',
  })
}

/** The error for a key of a body that {@link isDisguised} finds. */
export function disguisedKey(key: string): CfileError {
  const message = `The key ${show(key)} in the body names nothing as it is written.`
  return new CfileError('invalid_request', message, {
    hint: 'Write the keys as the API does, in lower case.',
  })
}

/** The error for a form field that {@link isDisguised} finds, or whose name is malformed. */
export function disguisedField(name: string): CfileError {
  const message = `The form has a field ${show(name)}, which may be read as another.`
  return new CfileError('invalid_request', message, {
    hint: 'Name fields as the API does, in lower case.',
  })
}

function show(name: string): string {
  return JSON.stringify(name.replace(/[^\x20-\x7e]/g, '?').slice(0, 64))
}

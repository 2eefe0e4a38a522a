/**
 * The keys of request bodies and forms whose values are ids. One table serves all operations, so that none is missed.
 * `test/core/api/openapi-keys.node.test.ts` compares it with OpenAI's published document. Form fields use the keys of
 * JSON bodies, with brackets for nested values.
 *
 * @module
 */

import { CfileError } from '../../errors.ts'
import type { FormPart } from '../../http/form-fields.ts'
import {
  isContainerFileId,
  isContainerId,
  isConversationId,
  isFileId,
  isId,
  isResponseId,
  isVectorStoreId,
} from '../../ids.ts'
import { once } from '../../once.ts'
import type { NamedKind } from '../operations.ts'

/** How a key's value names things. */
export interface NamingKey {
  readonly kind: NamedKind
  /**
   * The form of the value. `id`: one id. `ids`: a list of ids. `either`: an id, or an object with an `id`. `object`: an
   * object with an `id`, while a string is a text, as in `prompt`, unless {@link NamingKey.isIdText} says that it is an
   * id. All accept `null`.
   */
  readonly takes: 'id' | 'ids' | 'either' | 'object'
  /** Whether a text is a valid id of this kind. */
  readonly isId: (text: unknown) => text is string
  /** Whether a text in place of an object with an `id` is that id. */
  readonly isIdText: (text: unknown) => boolean
  /**
   * Whether only requests have the key, and never the items of their input. In a caller's own rows, such as those of an
   * eval, the upstream does not use its value.
   */
  readonly isOfRequest: boolean
  /** Whether the upstream runs the lines of the named file: the requests of a batch or the rows of an eval. */
  readonly isInput?: true
}

const namingKey = (
  kind: NamedKind,
  takes: NamingKey['takes'],
  test: NamingKey['isId'] = isId,
  isIdText: NamingKey['isIdText'] = test,
): NamingKey => ({ kind, takes, isId: test, isIdText, isOfRequest: false })

const requestKey = (...given: Parameters<typeof namingKey>): NamingKey => ({
  ...namingKey(...given),
  isOfRequest: true,
})

/** Tests for ids with a prefix, at keys whose other texts are prompts or names of defaults. */
const withPrefix =
  (prefix: string): NamingKey['isIdText'] =>
  (text) =>
    isId(text) && /^[a-z]+(?=[_-].)/.exec(text)?.[0] === prefix

/** Whether a text is a file id of the containers API or the Files API. */
function isAnyFileId(text: unknown): text is string {
  return isFileId(text) || isContainerFileId(text)
}

const file = namingKey('file', 'id', isAnyFileId)
const fileOfRequest = requestKey('file', 'id', isAnyFileId)
const picture = namingKey('file', 'object', isAnyFileId)
const thing = namingKey('thing', 'id')
const thingOfRequest = requestKey('thing', 'id')

/** All naming keys. */
export const namingKeys: ReadonlyMap<string, NamingKey> = new Map<string, NamingKey>([
  ['previous_response_id', requestKey('response', 'id', isResponseId)],
  ['response_id', requestKey('response', 'id', isResponseId)],
  ['conversation', requestKey('conversation', 'either', isConversationId)],
  ['conversation_id', requestKey('conversation', 'id', isConversationId)],
  ['container', namingKey('container', 'either', isContainerId)],
  ['container_id', namingKey('container', 'id', isContainerId)],
  ['environment', namingKey('container', 'object', isContainerId)],
  ['file', namingKey('file', 'either', isAnyFileId)],
  ['file_id', file],
  ['file_ids', namingKey('file', 'ids', isAnyFileId)],
  ['input_file_id', { ...fileOfRequest, isInput: true }],
  ['training_file', fileOfRequest],
  ['validation_file', fileOfRequest],
  // The file of an eval run: {"type":"file_id","id"}.
  ['source', { ...picture, isInput: true }],
  ['image_file', picture],
  ['images', picture],
  ['input_image_mask', picture],
  ['input_reference', picture],
  ['mask', picture],
  ['vector_store_id', namingKey('thing', 'id', isVectorStoreId)],
  ['vector_store_ids', namingKey('thing', 'ids', isVectorStoreId)],
  ['thread_id', thingOfRequest],
  ['assistant_id', thingOfRequest],
  ['skill_id', thing],
  ['approval_request_id', thing],
  ['consent', thingOfRequest],
  ['item_id', thingOfRequest],
  ['part_ids', requestKey('thing', 'ids')],
  ['assistant', requestKey('thing', 'either')],
  ['skill', requestKey('thing', 'either')],
  ['skills', namingKey('thing', 'object', isId, withPrefix('skill'))],
  ['thread', requestKey('thing', 'object')],
  ['prompt', namingKey('thing', 'object', isId, withPrefix('pmpt'))],
  ['voice', namingKey('thing', 'object', isId, withPrefix('voice'))],
  ['audio', namingKey('thing', 'object', isId, withPrefix('audio'))],
  ['video', requestKey('thing', 'object')],
  ['workflow', requestKey('thing', 'object')],
])

// Further keys that decide how an object is read.
const deciding = ['type', 'id']

const folded = once(() => new Set([...namingKeys.keys(), ...deciding].map(fold)))

/**
 * Whether a key is no naming key but looks like one to a parser that ignores case, blanks or separators.
 *
 * @param key as the body or the form wrote it, with escapes decoded
 */
export function isLookalike(key: string): boolean {
  if (/^[a-z0-9_]*$/.test(key)) return false
  return !namingKeys.has(key) && folded().has(fold(key))
}

function fold(key: string): string {
  return (
    key
      .normalize('NFKC')
      // Some letters, such as the dotless i, are another letter in upper case only.
      .toUpperCase()
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '')
  )
}

const takesText = {
  id: 'the id of a',
  ids: 'a list of ids of a',
  either: 'the id, or an object with the "id", of a',
  object: 'an object with the "id" of a',
}

/**
 * The error for a value under a naming key that is not an id.
 *
 * @param key key of the body, or name of the form field
 * @param naming the key's entry in {@link namingKeys}, which says what it takes
 */
export function notAnId(
  key: string,
  { kind, takes }: Pick<NamingKey, 'kind' | 'takes'>,
): CfileError {
  return new CfileError('invalid_request', `"${key}" is not ${takesText[takes]} ${kind}.`, {
    param: key,
    hint: 'An id is a string of 1 to 128 letters, digits, "_" and "-", with the prefix that the API gave it.',
  })
}

/**
 * The error for a key that occurs twice in one object.
 *
 * @param key of the caller; shown in printable ASCII, at most 64 characters
 */
export function duplicateKey(key: string): CfileError {
  return new CfileError(
    'invalid_request',
    `The body has the key ${show(key)} twice in one object.`,
    {
      param: key.slice(0, 64),
      hint: 'Write each key once: parsers differ in which of two values they use.',
    },
  )
}

/**
 * The error for a body key that {@link isLookalike} finds.
 *
 * @param key of the caller; shown in printable ASCII, at most 64 characters
 */
export function lookalikeKey(key: string): CfileError {
  const message = `The body has the key ${show(key)}, which is not spelled as the API spells it.`
  return new CfileError('invalid_request', message, {
    hint: 'Write keys as the API does, in lower case.',
  })
}

/** The error for a form field that {@link isLookalike} finds, or whose name is malformed. */
function lookalikeField(name: string): CfileError {
  const message = `The form has the field ${show(name)}, which is not spelled as the API spells it.`
  return new CfileError('invalid_request', message, {
    hint: 'Name fields as the API does, in lower case.',
  })
}

function show(name: string): string {
  return JSON.stringify(name.replace(/[^\x20-\x7e]/g, '?').slice(0, 64))
}

/** How to read a field's value: as an id, as JSON under the field's name, or not at all. */
type FieldReading = { readonly naming: NamingKey } | 'json' | 'nothing'

// API objects that forms carry as JSON.
const objects = new Set(['session', 'video', 'input_reference', 'images', 'mask'])

/**
 * Determines how to read a field.
 *
 * @param part headers of the form's part
 * @throws CfileError `invalid_request` for a name that looks like another one, and for a file in place of an id
 */
export function readingOf({ name, isFile, type }: FormPart): FieldReading {
  if (!/^\w+(?:\[\w*\])*$/.test(name)) throw lookalikeField(name)
  const keys = name.split(/[[\]]+/).filter((key) => !/^\d*$/.test(key))
  if (keys.some(isLookalike)) throw lookalikeField(name)
  const isObject = !isFile && (objects.has(name) || /^application\/json\b/i.test(type))
  if (isObject || name === 'session') return 'json'
  const naming = namingOf(keys)
  if (naming === undefined || (isFile && name === 'file')) return 'nothing'
  if (isFile) throw notAnId(name, naming)
  return { naming }
}

function namingOf(keys: readonly string[]): NamingKey | undefined {
  const [last = '', ...parents] = keys.toReversed()
  for (const key of parents) {
    const naming = namingKeys.get(key)
    if (naming?.takes === 'id' || naming?.takes === 'ids') throw notAnId(key, naming)
  }
  if (last === 'id') return namingKeys.get(parents[0] ?? '')
  const naming = namingKeys.get(last)
  // In a form, `prompt` and similar fields are texts.
  return naming?.takes === 'object' ? undefined : naming
}

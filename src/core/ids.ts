/**
 * Ids of containers and files: their form and meaning. Only ids that passed these checks become part of an upstream
 * URL.
 *
 * @module
 */

import { CfileError } from './errors.ts'

// Azure uses `cntr_` with 48 hex digits and `cfile_` with 32. The grammar is wider because the form is undocumented.
const idGrammar = /^[A-Za-z0-9_-]{1,128}$/
const containerPrefix = /^(?:cntr|container)[_-]./
const containerFilePrefix = /^cfile[_-]./
const filePrefix = /^(?:file|assistant)[_-]./
const vectorStorePrefix = /^vs[_-]./
// Responses and conversations have ids of several forms, so only the prefixes of other kinds are known to be wrong.
const notResponsePrefix = /^(?:cntr|container|cfile|file|assistant|vs|msg|conv)[_-]/
const notConversationPrefix = /^(?:cntr|container|cfile|file|assistant|vs|msg|resp)[_-]/
// Prefixes of things that are no parts of other things.
const wholePrefix =
  /^(?:vs|asst|thread|batch|ftjob|eval|skill|upload|pmpt|voice|cons|video|wf|resp|conv)[_-]/

/** `container_file`: in a container (`cfile_…`). `file`: in the Files API (`file-…`, `assistant-…`). */
export type FileKind = 'container_file' | 'file'

/**
 * Whether a value is an id of any kind: 1 to 128 of `A-Z a-z 0-9 _ -`.
 *
 * @param text a value of any type, since most come from parsed JSON
 */
export function isId(text: unknown): text is string {
  return typeof text === 'string' && idGrammar.test(text)
}

/** Whether a value is a container id: `cntr_…`, `cntr-…`, `container_…`, `container-…`. */
export function isContainerId(text: unknown): text is string {
  return isId(text) && containerPrefix.test(text)
}

/** Whether a value is the id of a container file: `cfile_…`, `cfile-…`. */
export function isContainerFileId(text: unknown): text is string {
  return isId(text) && containerFilePrefix.test(text)
}

/** Whether a value is an id of the Files API: `file-…`, `file_…`, `assistant-…`, `assistant_…`. */
export function isFileId(text: unknown): text is string {
  return isId(text) && filePrefix.test(text)
}

/** Whether a value is the id of a vector store: `vs_…`, `vs-…`. */
export function isVectorStoreId(text: unknown): text is string {
  return isId(text) && vectorStorePrefix.test(text)
}

/** Whether a value is an id that may be a response's: none with the prefix of another kind. */
export function isResponseId(text: unknown): text is string {
  return isId(text) && !notResponsePrefix.test(text)
}

/** Whether a value is an id that may be a conversation's: none with the prefix of another kind. */
export function isConversationId(text: unknown): text is string {
  return isId(text) && !notConversationPrefix.test(text)
}

/** Whether a value is an id that may be that of an item, an event or another part of a thing. */
export function isPartId(text: unknown): text is string {
  return isId(text) && !wholePrefix.test(text)
}

/**
 * Determines the API that serves a file id, by its prefix.
 *
 * @param text of a path, a query or a body
 * @throws CfileError `invalid_id`
 */
export function parseFileId(text: string): { id: string; kind: FileKind } {
  if (isContainerFileId(text)) return { id: text, kind: 'container_file' }
  if (isFileId(text)) return { id: text, kind: 'file' }
  throw new CfileError(
    'invalid_id',
    `${quote(text)} is not a file id; it starts with cfile_, file- or assistant- and has at most 128 letters, digits, "_" and "-".`,
    { param: 'file_id' },
  )
}

/**
 * Checks a container id.
 *
 * @param text of a path, a query or a body
 * @returns the same text
 * @throws CfileError `invalid_id`
 */
export function parseContainerId(text: string): string {
  if (isContainerId(text)) return text
  throw new CfileError(
    'invalid_id',
    `${quote(text)} is not a container id; it starts with cntr_ and has at most 128 letters, digits, "_" and "-".`,
    { param: 'container_id' },
  )
}

/**
 * The unix second in which Azure created an id, from its first 8 hex digits. This is undocumented, so use it only for
 * hints and error messages.
 *
 * @param id a container id or a file id; `undefined` for forms without a time
 */
export function idCreatedAt(id: string): number | undefined {
  const hex = /^[a-z]+[_-]([0-9a-f]{8})[0-9a-f]{24,}$/.exec(id)?.[1]
  return hex === undefined ? undefined : Number.parseInt(hex, 16)
}

/** Quotes untrusted text for a message: printable ASCII, at most 64 characters. */
function quote(text: string): string {
  const shown = text.length > 64 ? `${text.slice(0, 64)}…` : text
  return JSON.stringify(shown.replace(/[^\x20-\x7e\u2026]/g, '?'))
}

/**
 * Parses the arguments of `cfile get`: each names a file, or a response or container with several files.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { isContainerId } from '../core/ids.ts'
import { readPayload, splitLink, splitToken } from '../core/links/spelling.ts'
import type { Env } from '../start/serve.ts'
import { UsageError } from './command.ts'
import { gatewayBase } from './gateway.ts'

/** A file to download. */
export interface FileSubject {
  readonly kind: 'file'
  /** Name of the partial file of a broken download: the file's id if it is known. */
  readonly id: string
  /** A path of the gateway, or a URL of another server. */
  readonly location: string | URL
}

/** The thing that an argument names. */
export type Subject = FileSubject | { readonly kind: 'response' | 'container'; readonly id: string }

/**
 * Reads an argument: an id, a URL, or the path of a signed link.
 *
 * @param env for `CFILE_URL` and the endpoint of Azure
 * @param container id of the file's container, if it was given
 * @throws UsageError
 */
export function parseSubject(word: string, env: Env, container?: string): Subject {
  if (/^resp_\w+$/.test(word)) return { kind: 'response', id: word }
  if (/^https?:/i.test(word)) return readUrl(word, env)
  if (word.startsWith('/')) return { kind: 'file', id: idIn(word), location: word }
  return isContainerId(word) ? { kind: 'container', id: word } : fileById(word, container)
}

/**
 * Creates the subject for a file.
 *
 * @param id of the file
 * @param container id of its container, if that is known
 */
export function fileById(id: string, container?: string): FileSubject {
  const query = container ? `?container_id=${encodeURIComponent(container)}` : ''
  return { kind: 'file', id, location: `/files/${encodeURIComponent(id)}${query}` }
}

function readUrl(text: string, env: Env): FileSubject {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw new UsageError(`"${text}" is not a URL.`)
  // `fetch` refuses it, in a message that shows the password.
  if (url.username || url.password) throw new UsageError('A URL must not hold a user name.')
  const [, containerId, fileId] =
    /\/openai\/(?:v1\/)?containers\/([\w-]+)\/files\/([\w-]+)(?:\/content)?$/.exec(url.pathname) ??
    []
  const base = gatewayBase(env)
  const isOwn = base !== undefined && text.startsWith(`${base}/`)
  if (fileId !== undefined && (isOwn || url.host === azureHost(env))) {
    return fileById(fileId, containerId)
  }
  const location = isOwn ? text.slice(base.length) : url
  return { kind: 'file', id: idIn(url.pathname), location }
}

function azureHost({ AZURE_OPENAI_ENDPOINT: text = '' }: Env): string | undefined {
  return URL.canParse(text) ? new URL(text).host : undefined
}

/** Returns the file's id if the path or its signed link contains it, else a hash of the path. */
function idIn(path: string): string {
  const { payload = '' } = splitToken(splitLink(path)?.token ?? '') ?? {}
  const grant = readPayload(payload)?.grant
  if (grant?.kind === 'file') return grant.fileId
  const [, id] = /\/files\/([\w-]+)$/.exec(path.replace(/[?#].*$/s, '')) ?? []
  return id ?? `url-${createHash('sha256').update(path).digest('hex').slice(0, 16)}`
}

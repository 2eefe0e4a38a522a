/**
 * The one spelling of a signed link: a route of ours and these parameters, in this order.
 *
 * | name | value | present |
 * |---|---|---|
 * | `u` | the upstream's name | where it is known |
 * | `o` | the owner's key | always; on a link to a file where it is known |
 * | `n` | the file's name | on a link to a file, where it is known |
 * | `d` | `inline` | on a link to a file or a path that is not an attachment |
 * | `e` | the unix second in which the link ends | always |
 * | `k` | the name of the key that signed | always |
 * | `s` | the signature, base64url without padding | always |
 *
 * @module
 */

import type { Grant, GrantFields } from './grant.ts'
import { isContainerFileId, isContainerId, isFileId } from './ids.ts'

/** The longest path and query of a link: what RFC 9110 §4.1 asks every server and proxy to take. */
export const longestLink = 8000

/** A link taken apart; nothing in it is to be trusted before its signature was checked. */
export interface ParsedLink {
  readonly grant: Grant
  readonly kid: string
  /** As it is written. */
  readonly signature: string
}

/**
 * Whether a query, with or without its `?`, has a parameter that links have, also where a name was written in capitals or
 * escaped for HTML: then it is a link or nothing. Plain requests have none of one letter.
 */
export function isSigned(query: string): boolean {
  if (query === '') return false
  const names = [...new URLSearchParams(query).keys()]
  return names.some((name) => /^(?:amp;)?[uondeks]$/i.test(name.trim()))
}

/** What a key signs: the kind of the thing and all that the link says, as a tuple that can be read in one way only. */
export function toSignedText(fields: GrantFields, kid: string): string {
  const { kind, containerId, fileId, path, upstream, owner, filename, expiresAt } = fields
  const texts = [containerId, fileId, path, upstream, owner, filename].map((text) => text ?? '')
  const disposition = fields.disposition ?? 'attachment'
  return JSON.stringify(['cfile link', kind, ...texts, disposition, expiresAt, kid])
}

/** The path and query of a link, but for its signature. */
export function writeUnsigned(fields: GrantFields, kid: string): string {
  const { upstream, owner, filename, disposition, expiresAt } = fields
  const parameters = [
    ['u', upstream],
    ['o', owner],
    ['n', filename],
    ['d', disposition === 'inline' ? disposition : undefined],
    ['e', String(expiresAt)],
    ['k', kid],
  ].flatMap(([name, value]) => (value ? [`${name}=${encode(value)}`] : []))
  return `${writePath(fields)}?${parameters.join('&')}`
}

function writePath({ kind, containerId, fileId, path = '' }: GrantFields): string {
  if (kind === 'file' && containerId === undefined) return `/files/${fileId}`
  const container = `/containers/${containerId}`
  if (kind === 'file') return `${container}/files/${fileId}`
  if (kind === 'path') return `${container}/path/${path.split('/').map(encode).join('/')}`
  if (kind === 'list') return `${container}/files`
  return kind === 'zip' ? `${container}/files.zip` : container
}

/** Percent-encodes all but the unreserved characters (RFC 3986 §2.3), which is what no URL parser rewrites. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** The path and query of a link. */
export function writeLink(unsigned: string, signature: string): string {
  return `${unsigned}&s=${signature}`
}

/** How a signature of 32 bytes is written: 43 characters of base64url (RFC 4648 §5) without padding. */
export function writeSignature(bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes))
  return base64.slice(0, 43).replaceAll('+', '-').replaceAll('/', '_')
}

/**
 * Takes the path and query of a link apart; `undefined` for anything but the one spelling that {@link writeLink} gives.
 * It is read leniently and then written anew: only what comes out letter for letter as it went in is a link.
 */
export function parseLink(target: string): ParsedLink | undefined {
  if (target.length > longestLink || !/^[\w.~%/?&=-]+$/.test(target)) return undefined
  const [path = '', query] = target.split('?', 2)
  const thing = parsePath(path)
  const parameters = new URLSearchParams(query)
  if (thing === undefined) return undefined
  const grant = { ...thing, ...readTerms(thing.kind, parameters) } as Grant
  const kid = parameters.get('k') ?? ''
  const signature = parameters.get('s') ?? ''
  const isAsWritten = writeLink(writeUnsigned(grant, kid), signature) === target
  return isAsWritten ? { grant, kid, signature } : undefined
}

function readTerms(
  kind: Grant['kind'],
  parameters: URLSearchParams,
): Omit<GrantFields, 'kind' | 'path'> {
  const read = (name: string) => parameters.get(name) ?? undefined
  return {
    upstream: read('u'),
    owner: read('o'),
    expiresAt: Number(read('e')),
    ...(kind === 'file' && { filename: read('n') }),
    ...((kind === 'file' || kind === 'path') && {
      disposition: read('d') === 'inline' ? 'inline' : 'attachment',
    }),
  }
}

const ofContainer = /^\/containers\/([^/]+)(?:\/(files|files\.zip)|\/files\/([^/]+)|\/path\/(.+))?$/

function parsePath(text: string): Omit<GrantFields, 'expiresAt'> | undefined {
  const single = /^\/files\/([^/]+)$/.exec(text)?.[1]
  if (single !== undefined) return isFileId(single) ? { kind: 'file', fileId: single } : undefined
  const [, containerId, many, fileId, path] = ofContainer.exec(text) ?? []
  if (!isContainerId(containerId)) return undefined
  if (many !== undefined) return { kind: many === 'files' ? 'list' : 'zip', containerId }
  if (path !== undefined) return { kind: 'path', containerId, path: decode(path) }
  if (fileId === undefined) return { kind: 'page', containerId }
  const isId = isContainerFileId(fileId) || isFileId(fileId)
  return isId ? { kind: 'file', containerId, fileId } : undefined
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // No link is written with an empty path, so the comparison fails.
    return ''
  }
}

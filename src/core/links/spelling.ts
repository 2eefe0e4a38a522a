/**
 * How a signed link is written: `/s/{token}/{name}`.
 *
 * The token is `{payload}.{signature}`, both in base64url without padding (RFC 4648 §5). The signature is the first 16
 * bytes of an HMAC-SHA-256 of the payload's text ({@link toSignedText}). The payload is binary, since links go into
 * texts that people and models read:
 *
 * | bytes | value |
 * |---|---|
 * | 1 | version of this layout: 1 |
 * | 1 | bits 0–1: kind (file, path, page, zip); bit 2: inline |
 * | number | expiry, a unix second |
 * | texts | key id, upstream, owner, container id; then file id and file name, or path; an absent text is empty |
 *
 * A number is a LEB128 varint. A text is the number `4 × bytes + form` and then the bytes; {@link hexPrefixes} lists the
 * forms. The name behind the token is for people and decides nothing.
 *
 * @module
 */

import { nameInPath, spellings } from '../api/container-files.ts'
import { cleanFilename } from '../http/content-disposition.ts'
import { fromBase64url, fromHex, percentEncode, toBase64url, toHex } from '../http/encoding.ts'
import { checkGrant, type Grant } from './grant.ts'

const version = 1
const kinds = ['file', 'path', 'page', 'zip'] as const
const inlineBit = 4

/** Form 0 is UTF-8. Form `n` is this prefix and lower-case hex, of which the bytes are kept: Azure's ids, owners' keys. */
const hexPrefixes: readonly (string | undefined)[] = [undefined, '', 'cntr_', 'cfile_']
const packable = /^(cntr_|cfile_|)((?:[0-9a-f]{2})+)$/

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The content of a payload; nothing in it can be trusted before the signature was checked. */
export interface Payload {
  readonly grant: Grant
  readonly kid: string
}

/** Writes the payload of a token. */
export function writePayload(grant: Grant, kid: string): string {
  const { upstream, owner, containerId } = grant
  const bytes = [version, writeFlags(grant)]
  pushNumber(bytes, grant.expiresAt)
  for (const text of [kid, upstream, owner, containerId, ...thingOf(grant)]) {
    pushText(bytes, text ?? '')
  }
  return toBase64url(bytes)
}

function writeFlags(grant: Grant): number {
  const inline = 'disposition' in grant && grant.disposition === 'inline' ? inlineBit : 0
  return kinds.indexOf(grant.kind) + inline
}

function thingOf(grant: Grant): (string | undefined)[] {
  if (grant.kind === 'file') return [grant.fileId, grant.filename]
  return grant.kind === 'path' ? [grant.path] : []
}

function pushNumber(bytes: number[], value: number): void {
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  bytes.push(rest)
}

function pushText(bytes: number[], text: string): void {
  const [, prefix, hex] = packable.exec(text) ?? []
  const form = hex === undefined ? 0 : hexPrefixes.indexOf(prefix)
  const body = hex === undefined ? encoder.encode(text) : fromHex(hex)
  pushNumber(bytes, body.length * 4 + form)
  bytes.push(...body)
}

/** Reads a payload; `undefined` where it is none. */
export function readPayload(text: string): Payload | undefined {
  try {
    return readBytes(fromBase64url(text))
  } catch {
    return undefined
  }
}

/** @throws where the bytes are no payload */
function readBytes(bytes: Uint8Array): Payload | undefined {
  const reader = createReader(bytes)
  const [first, flags] = [reader.byte(), reader.byte()]
  if (first !== version) return undefined
  const expiresAt = reader.number()
  const kid = reader.text()
  const [upstream, owner, containerId] = [reader.text(), reader.text(), reader.text()].map(
    (part) => part || undefined,
  )
  const terms = { expiresAt, upstream, owner, containerId }
  const thing = readThing(flags, terms, reader)
  return reader.isAtEnd() ? { grant: checkGrant(thing), kid } : undefined
}

type Terms = Pick<Grant, 'expiresAt' | 'upstream' | 'owner' | 'containerId'>

function readThing(flags: number, terms: Terms, { text }: ReturnType<typeof createReader>): Grant {
  const kind = kinds[flags % inlineBit] ?? 'file'
  const disposition = flags & inlineBit ? 'inline' : 'attachment'
  if (kind === 'file') {
    return { kind, ...terms, fileId: text(), filename: text() || undefined, disposition }
  }
  const { containerId = '' } = terms
  if (kind !== 'path') return { kind, ...terms, containerId }
  return { kind, ...terms, containerId, path: text(), disposition }
}

/** Reads a payload's bytes from the first to the last; each function throws where they end too early. */
function createReader(bytes: Uint8Array) {
  let at = 0
  function take(count: number): Uint8Array {
    if (count > bytes.length - at) throw new RangeError('The payload ends too early.')
    at += count
    return bytes.subarray(at - count, at)
  }
  const byte = (): number => take(1)[0] ?? 0
  function number(): number {
    let value = 0
    for (let unit = 1; ; unit *= 128) {
      const next = byte()
      value += (next % 128) * unit
      if (!Number.isSafeInteger(value)) throw new RangeError('The number is too large.')
      if (next < 128) return value
    }
  }
  function text(): string {
    const head = number()
    const body = take(Math.floor(head / 4))
    const prefix = hexPrefixes[head % 4]
    if (prefix !== undefined) return prefix + toHex(body)
    return decoder.decode(body)
  }
  return { byte, number, text, isAtEnd: () => at === bytes.length }
}

/** The text that a key signs. The words before the payload keep it apart from whatever else is signed with the key. */
export function toSignedText(payload: string): string {
  return `cfile link.${payload}`
}

/** Writes a signature: 22 characters for the first 16 bytes of an HMAC. */
export function writeSignature(hmac: Uint8Array): string {
  return toBase64url([...hmac.subarray(0, 16)])
}

/** Takes a token apart; `undefined` where its form is wrong. */
export function splitToken(token: string): { payload: string; signature: string } | undefined {
  const [, payload, signature] = /^([\w-]+)\.([\w-]{22})$/.exec(token) ?? []
  return payload && signature ? { payload, signature } : undefined
}

/** Writes the path of a link. */
export function writePath(grant: Grant, token: string): string {
  return `/s/${token}/${writeName(grant)}`
}

/** A link taken apart: the text before `/s/`, and the token as it is written. */
export interface LinkParts {
  readonly base: string
  readonly token: string
}

/** Takes a link apart, whole or from its path on. Its name and a query are passed over. `undefined` where it is none. */
export function splitLink(link: string): LinkParts | undefined {
  const path = link.replace(/[?#].*$/s, '')
  // From the end, since a host app may be mounted at a path that ends in `/s`.
  const [, base, token] = /^(.*)\/s\/([^/]+)(?:\/[^/]*)?\/?$/s.exec(path) ?? []
  return base === undefined || token === undefined ? undefined : { base, token }
}

/** The name at the end of a link, under which simple clients save: one segment that no URL parser rewrites. */
export function writeName(grant: Grant): string {
  return encodeName(nameOf(grant))
}

function nameOf(grant: Grant): string {
  if (grant.kind === 'file') return grant.filename ?? grant.fileId
  if (grant.kind === 'path') {
    // The last spelling has all escapes undone.
    return cleanFilename(nameInPath(spellings(grant.path).at(-1) ?? '')) || grant.containerId
  }
  return grant.kind === 'zip' ? 'files.zip' : grant.containerId
}

/** Percent-encodes all but the unreserved characters (RFC 3986 §2.3). */
function encodeName(name: string): string {
  return percentEncode(name, /[!'()*]/g)
}

/**
 * Writes and reads signed links: `/s/{token}/{name}`.
 *
 * The token is `{payload}.{signature}`, both in base64url without padding (RFC 4648 §5). The signature is the first 16
 * bytes of an HMAC-SHA-256 of the payload's text ({@link toSignedText}). The payload is binary to keep links short:
 * they go into texts that people and models read.
 *
 * | bytes | value |
 * |---|---|
 * | 1 | version of this layout: 1 |
 * | 1 | bits 0–1: kind (file, path, page, zip); bit 2: inline |
 * | number | expiry, a unix second |
 * | texts | key id, upstream, owner, container id; then file id and file name, or path; an absent text is empty |
 *
 * A number is a LEB128 varint. A text is the number `4 × bytes + form` followed by the bytes; {@link hexPrefixes} lists
 * the forms. The name after the token is for people and is ignored.
 *
 * @module
 */

import { nameInPath, spellings } from '../api/container-files.ts'
import { fromBase64url, fromHex, percentEncode, toBase64url, toHex } from '../encoding.ts'
import { cleanFilename } from '../http/content-disposition.ts'
import { checkGrant, type Grant } from './grant.ts'

const version = 1
const kinds = ['file', 'path', 'page', 'zip'] as const
const inlineBit = 4

/**
 * Encodings of a text. Form 0 is UTF-8. Form `n` is this prefix followed by lower-case hex, stored as bytes; it covers
 * Azure's ids and owner keys.
 */
const hexPrefixes: readonly (string | undefined)[] = [undefined, '', 'cntr_', 'cfile_']
const packable = /^(cntr_|cfile_|)((?:[0-9a-f]{2})+)$/

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The content of a payload. Do not trust it before the signature is checked. */
interface Payload {
  readonly grant: Grant
  readonly kid: string
}

/**
 * Encodes the payload of a token.
 *
 * @param grant that {@link checkGrant} has checked
 * @param kid id of the key that signs
 */
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

/** Writes a LEB128 varint. Bit operations would cut numbers at 32 bits. */
function pushNumber(bytes: number[], value: number): void {
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  bytes.push(rest)
}

/** Writes a text in its shortest form. */
function pushText(bytes: number[], text: string): void {
  const [, prefix, hex] = packable.exec(text) ?? []
  const form = hex === undefined ? 0 : hexPrefixes.indexOf(prefix)
  const body = hex === undefined ? encoder.encode(text) : fromHex(hex)
  pushNumber(bytes, body.length * 4 + form)
  bytes.push(...body)
}

/**
 * Decodes a payload; `undefined` if it is malformed.
 *
 * @param text of a token up to its dot
 */
export function readPayload(text: string): Payload | undefined {
  try {
    return readBytes(fromBase64url(text))
  } catch {
    return undefined
  }
}

/** @throws RangeError or TypeError for malformed bytes */
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

/** Reads the fields that depend on the kind of the grant. */
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

/** Reads the fields of a payload in order. Each function throws a RangeError if the bytes end too early. */
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

/**
 * The text that is signed. The prefix separates it from other texts that may be signed with the same key.
 *
 * @param payload text, not its bytes: base64url has several spellings of the same bytes
 */
export function toSignedText(payload: string): string {
  return `cfile link.${payload}`
}

/**
 * Encodes a signature: 22 characters for the first 16 bytes of an HMAC.
 *
 * @param hmac 32 bytes; 128 bits of them cannot be guessed in the lifetime of a link
 */
export function writeSignature(hmac: Uint8Array): string {
  return toBase64url([...hmac.subarray(0, 16)])
}

/**
 * Splits a token; `undefined` if it is malformed.
 *
 * @param token of a URL, not decoded: base64url needs no escapes
 */
export function splitToken(token: string): { payload: string; signature: string } | undefined {
  const [, payload, signature] = /^([\w-]+)\.([\w-]{22})$/.exec(token) ?? []
  return payload && signature ? { payload, signature } : undefined
}

/**
 * The path of a link.
 *
 * @param grant decides the name at the end
 * @param token payload and signature
 */
export function writePath(grant: Grant, token: string): string {
  return `/s/${token}/${writeName(grant)}`
}

/** The parts of a link: the text before `/s/`, and the token. */
interface LinkParts {
  readonly base: string
  readonly token: string
}

/**
 * Splits a link, given as a whole URL or from its path on. Ignores file name and query. `undefined` if it is not a
 * signed link.
 *
 * @param link of any length and content
 */
export function splitLink(link: string): LinkParts | undefined {
  const path = link.replace(/[?#].*$/s, '')
  // Searches from the end, because a host app may be mounted at a path that ends in `/s`.
  const [, base, token] = /^(.*)\/s\/([^/]+)(?:\/[^/]*)?\/?$/s.exec(path) ?? []
  return base === undefined || token === undefined ? undefined : { base, token }
}

/**
 * The file name at the end of a link, for clients that save under the last path segment. URL parsers do not change it.
 *
 * @param grant of a link
 * @returns percent-encoded ASCII
 */
export function writeName(grant: Grant): string {
  return encodeName(nameOf(grant))
}

function nameOf(grant: Grant): string {
  if (grant.kind === 'file') return grant.filename ?? grant.fileId
  if (grant.kind === 'path') {
    // The last spelling has all escapes decoded.
    return cleanFilename(nameInPath(spellings(grant.path).at(-1) ?? '')) || grant.containerId
  }
  return grant.kind === 'zip' ? 'files.zip' : grant.containerId
}

/** Percent-encodes all but the unreserved characters (RFC 3986 §2.3). */
function encodeName(name: string): string {
  return percentEncode(name, /[!'()*]/g)
}

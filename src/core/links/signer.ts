/**
 * Signs and verifies links. A link works on every instance with the same keys, with any store.
 *
 * @module
 */

import { CfileError } from '../errors.ts'
import { showUrl } from '../url.ts'
import { checkGrant, type Grant, longestLink } from './grant.ts'
import { checkSigningKeys, type Hmac, type SigningKey, webHmac } from './keys.ts'
import {
  readPayload,
  splitLink,
  splitToken,
  toSignedText,
  writePath,
  writePayload,
  writeSignature,
} from './spelling.ts'

/** Signs links with the first key and verifies them with all keys. */
export interface Signer {
  /**
   * Signs a grant. The link contains only `A-Z a-z 0-9 - . _ ~ % / :`, and URL parsers do not change it. A file name
   * that would make the link too long is left out; the upstream's name is shown then.
   *
   * @param base an absolute URL
   * @throws CfileError `invalid_id`, `invalid_request` for a grant that cannot be signed
   */
  sign(base: string, grant: Grant): Promise<string>
  /**
   * Returns the grant in a link's token.
   *
   * @param now unix seconds
   * @throws CfileError `signature_invalid` for a token that none of the keys signed, `link_expired`
   */
  verify(token: string, now: number): Promise<Grant>
}

/**
 * Creates a signer.
 *
 * @param keys in their order: the first signs, all verify
 * @param createHmac a faster implementation if the runtime has one; on Node, WebCrypto switches threads for each text
 * @throws CfileError `invalid_request` for keys that cannot sign
 */
export function createSigner(
  keys: readonly SigningKey[],
  createHmac: (secret: Uint8Array) => Hmac = webHmac,
): Signer {
  const [first, ...others] = checkSigningKeys(keys)
  const signing = createHmac(first.secret)
  const hmacs = new Map([[first.kid, signing]])
  for (const { kid, secret } of others) hmacs.set(kid, createHmac(secret))

  async function signPath(grant: Grant): Promise<string> {
    const payload = writePayload(grant, first.kid)
    const signature = writeSignature(await signing(toSignedText(payload)))
    const path = writePath(grant, `${payload}.${signature}`)
    if (path.length <= longestLink) return path
    if (grant.kind === 'file' && grant.filename) return signPath({ ...grant, filename: undefined })
    throw tooLong()
  }

  return {
    async sign(base, grant) {
      const root = parseLinkBase(base)
      return root + (await signPath(checkGrant(grant)))
    },
    async verify(token, now) {
      const { payload = '', signature = '' } = splitToken(token) ?? {}
      const read = readPayload(payload)
      const hmac = hmacs.get(read?.kid ?? '')
      if (read === undefined || hmac === undefined) throw invalidLink()
      // The signature covers the text of the payload, so other spellings of the same bytes are refused.
      const expected = writeSignature(await hmac(toSignedText(payload)))
      if (!isSame(expected, signature)) throw invalidLink()
      if (now >= read.grant.expiresAt) throw expired(read.grant.expiresAt)
      return read.grant
    },
  }
}

/** Compares two texts in constant time. */
function isSame(one: string, other: string): boolean {
  let difference = one.length ^ other.length
  for (let at = 0; at < one.length; at += 1) {
    difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  }
  return difference === 0
}

/**
 * Checks the base URL of links and removes its trailing slashes.
 *
 * @param base as `CFILE_PUBLIC_URL` has it; it may contain a path
 * @returns the URL in the form of the WHATWG URL parser
 * @throws CfileError `invalid_request` for anything but an http or https URL of link characters, without user, query
 *   and fragment
 */
export function parseLinkBase(base: string): string {
  const href = URL.canParse(base) ? new URL(base).href.replace(/\/+$/, '') : ''
  // Brackets surround an IPv6 address.
  if (/^https?:\/\/(?:[\w.~%-]+|\[[\da-f:]+\])(?::\d+)?(?:\/[\w.~%/-]*)?$/.test(href)) return href
  throw new CfileError(
    'invalid_request',
    `CFILE_PUBLIC_URL got ${showUrl(base)}, but takes an http or https URL of plain characters, without user, query and fragment.`,
    { param: 'CFILE_PUBLIC_URL' },
  )
}

/** The error for a token that none of the keys signed. */
export function invalidLink(): CfileError {
  return new CfileError(
    'signature_invalid',
    'This link is not valid: it was changed or cut short, or the key that signed it is no longer in use. Ask for a new one.',
  )
}

function expired(expiresAt: number): CfileError {
  const time = new Date(expiresAt * 1000).toISOString()
  return new CfileError('link_expired', `This link expired at ${time}. Ask for a new one.`)
}

function tooLong(): CfileError {
  return new CfileError(
    'invalid_request',
    `The link would be longer than ${longestLink} characters.`,
  )
}

/** Settings of {@link signUrl} and {@link verifyUrl}. */
export interface LinkSettings {
  /** Public URL of the gateway, as in `CFILE_PUBLIC_URL`. */
  readonly base: string
  /** Keys as in `CFILE_SIGNING_KEYS`: the first one signs, all of them verify. */
  readonly keys: readonly SigningKey[]
}

/**
 * Signs a link that any gateway with the same keys serves.
 *
 * @param grant what the holder of the link may GET, and until when
 * @param settings base and keys of the gateway that will serve the link
 * @throws CfileError `invalid_id`, `invalid_request` for a grant that cannot be signed
 *
 * @example
 * const keys = parseSigningKeys(env.CFILE_SIGNING_KEYS)
 * await signUrl({ kind: 'file', fileId, containerId, expiresAt: now + 3600 }, { base: 'https://files.example.com', keys })
 */
export async function signUrl(grant: Grant, { base, keys }: LinkSettings): Promise<string> {
  return createSigner(keys).sign(base, grant)
}

/**
 * Verifies a link. Accepts a whole URL or only its path, with or without the path of the base. Ignores the file name
 * and the query.
 *
 * @param link as a browser or a client sent it
 * @param now unix seconds
 * @param settings base and keys of this gateway
 * @throws CfileError `signature_invalid`, `link_expired`
 */
export async function verifyUrl(
  link: string,
  { base, keys, now }: LinkSettings & { readonly now: number },
): Promise<Grant> {
  const root = parseLinkBase(base)
  const bases = [root, root.slice(new URL(root).origin.length), '']
  const parts = splitLink(link)
  return createSigner(keys).verify(parts && bases.includes(parts.base) ? parts.token : '', now)
}

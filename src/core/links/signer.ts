/**
 * Signs and verifies links. They work on any instance with the same keys, whatever its store holds.
 *
 * @module
 */

import { CfileError } from '../errors.ts'
import { showUrl } from '../url.ts'
import { checkGrant, type Grant, longestLink } from './grant.ts'
import { type Hmac, webHmac } from './hmac.ts'
import { checkSigningKeys, type SigningKey } from './keys.ts'
import {
  readPayload,
  splitLink,
  splitToken,
  toSignedText,
  writePath,
  writePayload,
  writeSignature,
} from './spelling.ts'

/** Signs and verifies links: the first key signs, all verify. */
export interface Signer {
  /**
   * The link for a grant. It holds only `A-Z a-z 0-9 - . _ ~ % / :`, and a URL parser gives it back as it is. A file's
   * name that would make it longer than servers take is left out; the upstream's own is shown then.
   *
   * @param base an absolute URL
   * @throws CfileError `invalid_id`, `invalid_request` for what can't be granted
   */
  sign(base: string, grant: Grant): Promise<string>
  /**
   * Returns the grant in a link's token.
   *
   * @param now unix seconds
   * @throws CfileError `signature_invalid` for any other text than a token that a key of ours signed, `link_expired`
   */
  verify(token: string, now: number): Promise<Grant>
}

/**
 * Makes a signer.
 *
 * @param createHmac a faster one, where the runtime has it: WebCrypto costs Node a change of threads for each text
 * @throws CfileError `invalid_request` for keys that can't sign
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
      // The payload's text is signed, so of all its spellings only ours is taken.
      const right = writeSignature(await hmac(toSignedText(payload)))
      if (!isSame(right, signature)) throw invalidLink()
      if (now >= read.grant.expiresAt) throw expired(read.grant.expiresAt)
      return read.grant
    },
  }
}

/** In constant time: every character is looked at, wherever the first difference is. */
function isSame(one: string, other: string): boolean {
  let difference = one.length ^ other.length
  for (let at = 0; at < one.length; at += 1) {
    difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  }
  return difference === 0
}

/**
 * Checks the URL that links begin with, and takes the slashes from its end.
 *
 * @throws CfileError `invalid_request` for anything but an http or https URL without user, query and fragment whose
 * characters can stand in a link
 */
export function parseLinkBase(base: string): string {
  const href = URL.canParse(base) ? new URL(base).href.replace(/\/+$/, '') : ''
  // The brackets are those of an IPv6 address.
  if (/^https?:\/\/(?:[\w.~%-]+|\[[\da-f:]+\])(?::\d+)?(?:\/[\w.~%/-]*)?$/.test(href)) return href
  throw new CfileError(
    'invalid_request',
    `CFILE_PUBLIC_URL got ${showUrl(base)}, but takes an http or https URL of plain characters, without user, query and fragment.`,
    { param: 'CFILE_PUBLIC_URL' },
  )
}

/** The answer to a token that no key of ours signed. */
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
  /** The public URL of the gateway, as in `CFILE_PUBLIC_URL`. */
  readonly base: string
  /** As in `CFILE_SIGNING_KEYS`: the first signs, all verify. */
  readonly keys: readonly SigningKey[]
}

/**
 * Signs a link that a gateway with the same keys serves.
 *
 * @example
 * const keys = parseSigningKeys(env.CFILE_SIGNING_KEYS)
 * await signUrl({ kind: 'file', fileId, containerId, expiresAt: now + 3600 }, { base: 'https://files.example.com', keys })
 * @throws CfileError `invalid_id`, `invalid_request` for what can't be granted
 */
export async function signUrl(grant: Grant, { base, keys }: LinkSettings): Promise<string> {
  return createSigner(keys).sign(base, grant)
}

/**
 * Verifies a link, whole or from its path on, with or without the path of the base. Its name and a query are ignored.
 *
 * @param now unix seconds
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

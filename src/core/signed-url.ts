/**
 * Signed links: grants of one thing that work on any instance with the same keys, whatever its store holds.
 *
 * @module
 */

import { CfileError } from './errors.ts'
import { checkGrant, type Grant } from './grant.ts'
import {
  longestLink,
  parseLink,
  toSignedText,
  writeLink,
  writeSignature,
  writeUnsigned,
} from './link-spelling.ts'
import { showUrl } from './show-url.ts'
import { checkSigningKeys, type SigningKey } from './signing-keys.ts'

/** Signs and checks links; the first key signs, all check. */
export interface Signer {
  /**
   * The link for a grant. It holds only `A-Z a-z 0-9 - . _ ~ % / ? & = :`, and a URL parser gives it back as it is. A
   * file's name that would make it longer than servers take is left out: the upstream's own is shown then.
   *
   * @param base an absolute URL, before which nothing of the link is signed
   * @throws CfileError `invalid_id`, `invalid_request` for what can't be granted
   */
  sign(base: string, grant: Grant): Promise<string>
  /**
   * What a link grants.
   *
   * @param target the raw path and query of the request, without the path of `base`
   * @param now unix seconds
   * @throws CfileError `signature_invalid` for anything but a link of ours letter for letter, `link_expired`
   */
  verify(target: string, now: number): Promise<Grant>
}

/** HMAC-SHA-256 with one secret: 32 bytes for a text, which is taken as UTF-8. */
export type Hmac = (text: string) => Uint8Array | Promise<Uint8Array>

const encoder = new TextEncoder()

/** By WebCrypto, which every runtime has; the secret is imported once. */
export function webHmac(secret: Uint8Array): Hmac {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  let imported: Promise<CryptoKey> | undefined
  return async (text) => {
    imported ??= crypto.subtle.importKey('raw', Uint8Array.from(secret), algorithm, false, ['sign'])
    return new Uint8Array(await crypto.subtle.sign('HMAC', await imported, encoder.encode(text)))
  }
}

/**
 * Makes a signer.
 *
 * @param createHmac where the runtime has a faster one: WebCrypto costs Node a change of threads for each text
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

  return {
    async sign(base, grant) {
      const root = parseLinkBase(base)
      const { fields, unsigned } = shorten(checkGrant(grant), first.kid)
      const signature = await signing(toSignedText(fields, first.kid))
      return root + writeLink(unsigned, writeSignature(signature))
    },
    async verify(target, now) {
      const link = parseLink(target)
      const hmac = hmacs.get(link?.kid ?? '')
      if (link === undefined || hmac === undefined) throw invalidLink()
      const signature = writeSignature(await hmac(toSignedText(link.grant, link.kid)))
      if (!isSame(signature, link.signature)) throw invalidLink()
      if (now >= link.grant.expiresAt) throw expired(link.grant.expiresAt)
      return link.grant
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

const signatureLength = '&s='.length + 43

/** The grant as it fits into a link, and the link without its signature. */
function shorten(grant: Grant, kid: string): { fields: Grant; unsigned: string } {
  const unsigned = writeUnsigned(grant, kid)
  if (unsigned.length + signatureLength <= longestLink) return { fields: grant, unsigned }
  if (grant.kind === 'file' && grant.filename) return shorten({ ...grant, filename: '' }, kid)
  throw new CfileError(
    'invalid_request',
    `The link would be longer than ${longestLink} characters.`,
  )
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

/** What is answered to a link that is not one of ours letter for letter. */
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

/** What {@link signUrl} and {@link verifyUrl} go by. */
export interface LinkSettings {
  /** The public URL of the gateway, as in `CFILE_PUBLIC_URL`. */
  readonly base: string
  /** As in `CFILE_SIGNING_KEYS`: the first signs, all check. */
  readonly keys: readonly SigningKey[]
}

/**
 * Signs a link that a gateway with the same keys will honour.
 *
 * @example
 * const keys = parseSigningKeys(env.CFILE_SIGNING_KEYS)
 * await signUrl({ kind: 'file', fileId, containerId, expiresAt: now + 3600 }, { base: 'https://files.example.com', keys })
 * @throws CfileError `invalid_id`, `invalid_request` for what can't be granted
 */
export async function signUrl(grant: Grant, { base, keys }: LinkSettings): Promise<string> {
  return signerOf(keys).sign(base, grant)
}

/**
 * Checks a link, whole or from its path on, with or without the path of the base.
 *
 * @param now unix seconds
 * @throws CfileError `signature_invalid`, `link_expired`
 */
export async function verifyUrl(
  link: string,
  { base, keys, now }: LinkSettings & { readonly now: number },
): Promise<Grant> {
  const root = parseLinkBase(base)
  const prefixes = ['', root, root.slice(new URL(root).origin.length)]
  const targets = prefixes.map((prefix) =>
    link.startsWith(prefix) ? link.slice(prefix.length) : '',
  )
  const target = targets.find((text) => parseLink(text) !== undefined) ?? ''
  return signerOf(keys).verify(target, now)
}

const signers = new WeakMap<readonly SigningKey[], Signer>()

/** One signer for each list of keys, so that no call imports a key again. */
function signerOf(keys: readonly SigningKey[]): Signer {
  const signer = signers.get(keys) ?? createSigner(keys)
  signers.set(keys, signer)
  return signer
}

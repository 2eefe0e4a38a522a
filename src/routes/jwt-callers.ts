/**
 * Callers who show a JWT of an issuer that is trusted (RFC 7519, with the advice of RFC 8725).
 *
 * @module
 */

import { parseJson } from '../core/http/body.ts'
import type { VerificationKey } from './jwks.ts'
import { createRemoteKeys, type RemoteKeyOptions } from './remote-keys.ts'

/** Options of {@link jwtCallers}. */
export interface JwtOptions extends Omit<RemoteKeyOptions, 'url'> {
  readonly jwksUrl: string
  /** What `iss` must be. @default anything */
  readonly issuer?: string
  /** What `aud` must be or hold. @default anything */
  readonly audience?: string
  /** The claim that names the owner. @default 'sub' */
  readonly ownerClaim?: string
}

/** Finds out whom a token stands for; `undefined` where it is not to be believed. */
export type JwtCallers = (token: string) => Promise<{ readonly owner: string } | undefined>

const longestToken = 16 * 1024

// Issuers' clocks run ahead a little; an end needs no tolerance, as clients renew before it.
const clockSkew = 5

/**
 * Makes a check of tokens: RS256, ES256 and EdDSA, whichever the key is for; `exp` and a non-empty owner are required.
 *
 * @throws CfileError `invalid_request` for a URL that is neither https nor on loopback; the check itself throws
 * `not_ready` while there are no keys
 */
export function jwtCallers(options: JwtOptions): JwtCallers {
  const { jwksUrl, ownerClaim = 'sub' } = options
  const keys = createRemoteKeys({ ...options, url: jwksUrl })
  return async (text) => {
    const token = readToken(text)
    if (token === undefined) return undefined
    const candidates = await keys.find(token.kid)
    const checks = await Promise.all(candidates.map((key) => isSignedBy(token, key)))
    const { claims } = token
    if (!checks.includes(true) || !isValid(claims, options)) return undefined
    const owner = Object.hasOwn(claims, ownerClaim) ? claims[ownerClaim] : undefined
    return typeof owner === 'string' && isOwner(owner) ? { owner } : undefined
  }
}

/** Only a key makes an admin, so `*` is refused. Lone surrogates, which JSON can escape, are all the same in UTF-8. */
function isOwner(name: string): boolean {
  return name !== '' && name !== '*' && !/\p{Surrogate}/u.test(name)
}

/** A token taken apart; nothing in it is to be trusted before its signature was checked. */
interface Token {
  readonly alg: string
  readonly kid?: string
  readonly claims: Claims
  /** What was signed. */
  readonly text: Uint8Array<ArrayBuffer>
  readonly signature: Uint8Array<ArrayBuffer>
}

type Claims = Readonly<Record<string, unknown>>

/** Reads what looks like a token of ours, so that no other credential has keys fetched. */
function readToken(text: string): Token | undefined {
  if (text.length > longestToken || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) return undefined
  const [head = '', body = '', signature = ''] = text.split('.')
  const header = readPart(head)
  const claims = readPart(body)
  if (header === undefined || claims === undefined || !isOurs(header)) return undefined
  return {
    alg: header.alg,
    kid: header.kid,
    claims,
    text: new TextEncoder().encode(`${head}.${body}`),
    signature: fromBase64Url(signature),
  }
}

/** Tokens made for anything but access have a type of their own (RFC 8725 §3.11), and what is critical is unknown here. */
function isOurs(header: Claims): header is Claims & Pick<Token, 'alg' | 'kid'> {
  const { alg, kid, typ = 'JWT' } = header
  const isAccess = typeof typ === 'string' && /^(?:application\/)?(?:at\+)?jwt$/i.test(typ)
  const isKnown = alg === 'RS256' || alg === 'ES256' || alg === 'EdDSA'
  const isNamed = kid === undefined || typeof kid === 'string'
  return isAccess && isKnown && isNamed && !Object.hasOwn(header, 'crit')
}

function readPart(text: string): Claims | undefined {
  const value = parseJson(fromBase64Url(text))
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Claims)
    : undefined
}

/** The bytes of base64url (RFC 4648 §5) without padding; none for what has an impossible length. */
function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 4 === 1) return new Uint8Array()
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

async function isSignedBy(
  { alg, text, signature }: Token,
  { alg: ofKey, key }: VerificationKey,
): Promise<boolean> {
  // The key decides: a token can't have it used for any other algorithm.
  if (alg !== ofKey) return false
  const algorithm = { name: key.algorithm.name, hash: 'SHA-256' }
  return crypto.subtle.verify(algorithm, key, signature, text).catch(() => false)
}

/** Whether it is for us, by whom it has to be, and at this time. */
function isValid(claims: Claims, { issuer, audience, now }: JwtOptions): boolean {
  const { iss, aud, exp, nbf = 0 } = claims
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (issuer !== undefined && iss !== issuer) return false
  if (audience !== undefined && !audiences.includes(audience)) return false
  return (
    typeof exp === 'number' && typeof nbf === 'number' && now() < exp && nbf <= now() + clockSkew
  )
}

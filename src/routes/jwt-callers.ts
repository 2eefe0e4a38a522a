/**
 * Callers who show a JWT of an issuer that is trusted (RFC 7519, with the advice of RFC 8725).
 *
 * @module
 */

import { decodeHeader, verify } from 'hono/utils/jwt/jwt'
import type { VerificationKey } from '../core/jwks.ts'
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
  const { jwksUrl, ownerClaim = 'sub', now } = options
  const keys = createRemoteKeys({ ...options, url: jwksUrl })
  return async (token) => {
    const header = readHeader(token)
    if (header === undefined) return undefined
    const candidates = await keys.find(header.kid)
    const claims = await firstVerified(token, header, candidates, options)
    if (claims === undefined || !isCurrent(claims, now())) return undefined
    const owner = Object.hasOwn(claims, ownerClaim) ? claims[ownerClaim] : undefined
    // An admin is who holds an admin's key: no claim makes one.
    return typeof owner === 'string' && owner !== '' && owner !== '*' ? { owner } : undefined
  }
}

interface TokenHeader {
  readonly alg: string
  readonly kid?: string
  readonly typ?: unknown
}

/** The header of what looks like a token of ours, so that no other credential has keys fetched. */
function readHeader(token: string): TokenHeader | undefined {
  if (token.length > longestToken || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return undefined
  const { alg, kid, typ } = decodeOrNothing(token)
  if (alg !== 'RS256' && alg !== 'ES256' && alg !== 'EdDSA') return undefined
  return kid === undefined || typeof kid === 'string' ? { alg, kid, typ } : undefined
}

function decodeOrNothing(token: string): { alg?: unknown; kid?: unknown; typ?: unknown } {
  try {
    // What is decoded may be `null`.
    return { ...decodeHeader(token) }
  } catch {
    return {}
  }
}

type Claims = Readonly<Record<string, unknown>>

async function firstVerified(
  token: string,
  header: TokenHeader,
  keys: readonly VerificationKey[],
  { issuer, audience }: JwtOptions,
): Promise<Claims | undefined> {
  for (const { alg, key } of keys) {
    if (alg !== header.alg) continue
    try {
      const claims = await verify(token, key, {
        alg,
        iss: issuer,
        aud: audience,
        // Tokens made for anything but access have a type of their own (RFC 8725 §3.11).
        typ: header.typ === undefined ? undefined : ['JWT', 'at+jwt'],
        // Against our own clock, below.
        exp: false,
        nbf: false,
        iat: false,
      })
      return { ...claims }
    } catch {
      // The message would quote the token.
    }
  }
  return undefined
}

function isCurrent({ exp, nbf = 0 }: Claims, time: number): boolean {
  return typeof exp === 'number' && typeof nbf === 'number' && time < exp && nbf <= time + clockSkew
}

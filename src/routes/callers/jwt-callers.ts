/**
 * Identifies callers by JWTs of a trusted issuer (RFC 7519, with the advice of RFC 8725).
 *
 * @module
 */

import * as z from 'zod/mini'
import { once } from '../../core/once.ts'
import {
  createRemoteKeys,
  type RemoteKeyOptions,
  type RemoteKeys,
  type VerificationKey,
} from './remote-keys.ts'

/** Options of {@link jwtCallers}. */
interface JwtOptions extends Omit<RemoteKeyOptions, 'url'> {
  readonly jwksUrl: string
  /** Required value of `iss`. @default any */
  readonly issuer?: string
  /** Required value or member of `aud`. @default any */
  readonly audience?: string
  /** The claim that names the owner. @default 'sub' */
  readonly ownerClaim?: string
}

/** Returns the owner that a token identifies; `undefined` for a token that is not valid. */
export interface JwtCallers {
  (token: string): Promise<{ readonly owner: string } | undefined>
  /** {@link RemoteKeys.ready} of the issuer. */
  readonly ready?: RemoteKeys['ready']
}

type Claims = Readonly<Record<string, unknown>>

const longestToken = 16 * 1024

// Seconds that an issuer's clock may be ahead. It does not count for `exp`, since clients renew tokens earlier.
const clockSkew = 5

/**
 * Creates the check of tokens. The key determines the algorithm: RS256, ES256 or EdDSA. `exp` and a non-empty owner are
 * required.
 *
 * @throws CfileError `invalid_request` for a URL that is neither https nor on loopback; the check itself throws
 * `not_ready` while there are no keys
 */
export function jwtCallers(options: JwtOptions): JwtCallers {
  const { jwksUrl, issuer, audience, ownerClaim = 'sub', now } = options
  const keys = createRemoteKeys({ ...options, url: jwksUrl })

  async function verify(token: string, { key, alg }: VerificationKey): Promise<Claims | undefined> {
    const currentDate = new Date(now() * 1000)
    const terms = { issuer, audience, currentDate, clockTolerance: clockSkew }
    const { jwtVerify } = await import('./jose.ts')
    return jwtVerify(token, key, { ...terms, algorithms: [alg], requiredClaims: ['exp'] }).then(
      ({ payload }) => payload,
      () => undefined,
    )
  }

  const check: JwtCallers = async (token) => {
    const header = await readHeader(token)
    if (header === undefined) return undefined
    // A token without a kid may be signed by any of the keys.
    const candidates = await keys.find(header.kid)
    const verified = await Promise.all(candidates.map((key) => verify(token, key)))
    const claims = verified.find((found) => found !== undefined)
    if (claims === undefined || Number(claims.exp) <= now()) return undefined
    const owner = Object.hasOwn(claims, ownerClaim) ? claims[ownerClaim] : undefined
    return typeof owner === 'string' && isOwner(owner) ? { owner } : undefined
  }
  return Object.assign(check, { ready: keys.ready })
}

/**
 * Whether a claim can name an owner. `*` is refused, since only a key makes an admin. Characters that are not valid in
 * UTF-8 are refused, since all of them become the same character, so different owners would become one.
 */
function isOwner(name: string): boolean {
  return name !== '' && name !== '*' && !/[\p{Surrogate}\ufffd]/u.test(name)
}

const headerSchema = once(() =>
  z.object({
    alg: z.enum(['RS256', 'ES256', 'EdDSA']),
    kid: z.optional(z.string()),
    // Tokens for another purpose than access have another type (RFC 8725 §3.11).
    typ: z.optional(z.string().check(z.regex(/^(?:application\/)?(?:at\+)?jwt$/i))),
  }),
)

/** Reads the header of a token. `undefined` for other credentials, for which no keys are fetched then. */
async function readHeader(
  token: string,
): Promise<z.infer<ReturnType<typeof headerSchema>> | undefined> {
  if (token.length > longestToken || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return undefined
  const { decodeProtectedHeader } = await import('./jose.ts')
  try {
    const header = decodeProtectedHeader(token)
    // cfile supports no extension (RFC 7515 §4.1.11).
    return 'crit' in header ? undefined : z.safeParse(headerSchema(), header).data
  } catch {
    return undefined
  }
}

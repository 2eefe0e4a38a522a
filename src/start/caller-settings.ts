/**
 * Settings for callers' keys and tokens.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import { type ApiKey, parseApiKeys } from '../routes/api-keys.ts'
import { checkKeysUrl } from '../routes/remote-keys.ts'

/** Which credentials of callers are accepted. */
export interface CallerSettings {
  readonly keys?: readonly ApiKey[]
  readonly jwt?: {
    readonly jwksUrl: string
    readonly issuer?: string
    readonly audience?: string
    readonly ownerClaim?: string
  }
}

interface CallerVariables {
  readonly CFILE_API_KEYS?: string
  readonly CFILE_JWKS_URL?: string
  readonly CFILE_JWT_ISSUER?: string
  readonly CFILE_JWT_AUDIENCE?: string
  readonly CFILE_JWT_OWNER_CLAIM?: string
}

/**
 * Reads who may ask.
 *
 * @throws CfileError `invalid_request` for keys that do not parse, and for claims without `CFILE_JWKS_URL`
 */
export function parseCallers(read: CallerVariables): CallerSettings {
  const { CFILE_API_KEYS: keys, CFILE_JWKS_URL: jwksUrl } = read
  if (jwksUrl === undefined) refuseLone(read)
  else checkKeysUrl(jwksUrl)
  return {
    keys: keys === undefined ? undefined : parseApiKeys(keys),
    jwt:
      jwksUrl === undefined
        ? undefined
        : {
            jwksUrl,
            issuer: read.CFILE_JWT_ISSUER,
            audience: read.CFILE_JWT_AUDIENCE,
            ownerClaim: read.CFILE_JWT_OWNER_CLAIM,
          },
  }
}

/** Claims are checked only in tokens, so claims without a key set are a mistake. */
function refuseLone(read: CallerVariables): void {
  const names = ['CFILE_JWT_ISSUER', 'CFILE_JWT_AUDIENCE', 'CFILE_JWT_OWNER_CLAIM'] as const
  const lone = names.find((name) => read[name] !== undefined)
  if (lone === undefined) return
  throw new CfileError(
    'invalid_request',
    `${lone} is set, but CFILE_JWKS_URL is not: set the URL of the keys that sign callers' tokens.`,
    { param: 'CFILE_JWKS_URL' },
  )
}

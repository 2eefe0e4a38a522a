/**
 * The keys that sign links.
 *
 * @module
 */

import { parseNamedSecrets, type SecretSetting, wrongEntry } from './named-secrets.ts'

/**
 * A signing key: a secret of at least 32 bytes, and the key id that links contain, 1 to 64 of `A-Z a-z 0-9 - . _ ~`.
 */
export interface SigningKey {
  readonly kid: string
  readonly secret: Uint8Array
}

const setting: SecretSetting = {
  setting: 'CFILE_SIGNING_KEYS',
  takes: 'kid:secret,kid2:secret2, each secret of 32 bytes or more and without a comma',
}

const encoder = new TextEncoder()

/**
 * Reads `kid:secret,kid2:secret2`, the format of `CFILE_SIGNING_KEYS`. Secrets are encoded as UTF-8.
 *
 * @throws CfileError `invalid_request` that names `CFILE_SIGNING_KEYS` and contains no secret
 */
export function parseSigningKeys(text: string): [SigningKey, ...SigningKey[]] {
  return checkSigningKeys(
    parseNamedSecrets(text, setting).map(({ name, secret }) => ({
      kid: name,
      secret: encoder.encode(secret),
    })),
  )
}

/**
 * Checks that there is at least one key, that key ids are unique, and that each secret is long enough (RFC 2104 §3: not
 * shorter than the hash).
 *
 * @throws CfileError `invalid_request` that names `CFILE_SIGNING_KEYS` and contains no secret
 */
export function checkSigningKeys(keys: readonly SigningKey[]): [SigningKey, ...SigningKey[]] {
  const kids = new Set<string>()
  for (const [index, { kid, secret }] of keys.entries()) {
    if (!/^[A-Za-z0-9._~-]{1,64}$/.test(kid)) {
      throw wrongEntry(setting, index, 'has a kid that is not 1 to 64 of A-Z a-z 0-9 - . _ ~')
    }
    if (secret.byteLength < 32) {
      throw wrongEntry(setting, index, `has a secret of ${secret.byteLength} bytes`)
    }
    if (kids.has(kid)) throw wrongEntry(setting, index, 'has the kid of another')
    kids.add(kid)
  }
  const [first, ...others] = keys
  if (first === undefined) throw wrongEntry(setting, 0, 'is missing')
  return [first, ...others]
}

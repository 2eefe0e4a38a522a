/**
 * Settings that are lists of names and secrets (`name:secret,name2:secret2`), the keys that sign links, and the HMAC that
 * signs links and compares callers' keys.
 *
 * @module
 */

import { CfileError } from '../errors.ts'

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
 * @param text of the setting
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
 * @param keys in their order: the first signs
 * @returns the same keys
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

/** One entry of such a setting. */
interface NamedSecret {
  readonly name: string
  readonly secret: string
}

/** The name of a setting and a description of its format. */
export interface SecretSetting {
  readonly setting: string
  readonly takes: string
}

/**
 * Reads `name:secret,name2:secret2`. Blanks around an entry are ignored. A name ends at the first `:`, a secret at the
 * next `,`. The caller checks names and secrets.
 *
 * @param text of the setting
 * @param setting its name and its format, for the message
 * @throws CfileError `invalid_request` for an entry without a name or without a secret
 */
export function parseNamedSecrets(text: string, setting: SecretSetting): NamedSecret[] {
  return text.split(',').map((entry, index) => {
    const trimmed = entry.trim()
    const colon = trimmed.indexOf(':')
    if (colon < 1) throw wrongEntry(setting, index, 'has no name before a ":"')
    if (colon === trimmed.length - 1) throw wrongEntry(setting, index, 'has nothing after its ":"')
    return { name: trimmed.slice(0, colon), secret: trimmed.slice(colon + 1) }
  })
}

/**
 * The error for a wrong entry. It shows the entry's position but none of its content: with a misplaced colon or comma,
 * part of a secret stands in place of the name.
 *
 * @param setting its name and its format
 * @param index position of the entry, from 0
 * @param fault predicate of the entry, such as `has no name`
 */
export function wrongEntry(
  { setting, takes }: SecretSetting,
  index: number,
  fault: string,
): CfileError {
  return new CfileError(
    'invalid_request',
    `${setting} got a value (masked) whose entry ${index + 1} ${fault}; it takes ${takes}.`,
    { param: setting },
  )
}

/** HMAC-SHA-256 with a fixed secret: 32 bytes for the UTF-8 bytes of a text. */
export type Hmac = (text: string) => Uint8Array | Promise<Uint8Array>

/**
 * Creates an {@link Hmac} by WebCrypto, which every runtime has. Imports the secret once.
 *
 * @param secret of any length; the bytes are copied
 */
export function webHmac(secret: Uint8Array): Hmac {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  let imported: Promise<CryptoKey> | undefined
  return async (text) => {
    imported ??= crypto.subtle.importKey('raw', Uint8Array.from(secret), algorithm, false, ['sign'])
    return new Uint8Array(await crypto.subtle.sign('HMAC', await imported, encoder.encode(text)))
  }
}

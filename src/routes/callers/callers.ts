/**
 * Identifies callers by an API key or a JWT. `CFILE_API_KEYS` has the keys and the owner of each.
 *
 * @module
 */

import type { Context } from 'hono'
import { CfileError } from '../../core/errors.ts'
import {
  type Hmac,
  parseNamedSecrets,
  type SecretSetting,
  wrongEntry,
} from '../../core/links/keys.ts'
import type { Identity } from '../../gateway/owners/access.ts'
import type { JwtCallers } from './jwt-callers.ts'

/** Options of {@link createAuthenticate}. */
interface AuthenticateOptions {
  readonly keys?: KeyRing
  readonly jwt?: JwtCallers
}

/**
 * Identifies the caller of a request; `null` if the caller is unknown.
 *
 * @example
 * createApp({ authenticate: async (c) => ({ owner: (await session(c)).user.id, admin: false }), … })
 */
export interface Authenticate {
  (c: Context): Identity | null | Promise<Identity | null>
  /** Rejects with `not_ready` while callers cannot be identified. `/readyz` calls it. @default always ready */
  readonly ready?: () => Promise<unknown>
}

/**
 * Creates the authentication of callers: `Authorization: Bearer` with a key or a token, or `api-key` with a key, as the
 * clients of OpenAI and of Azure send them.
 *
 * @throws (by the check) CfileError `unauthorized`; `not_ready` while tokens cannot be checked
 */
export function createAuthenticate({ keys, jwt }: AuthenticateOptions): Authenticate {
  const authenticate: Authenticate = async ({
    req: {
      raw: { headers },
    },
  }) => {
    const [, bearer] = /^bearer +(\S+)$/i.exec(headers.get('authorization')?.trim() ?? '') ?? []
    const key = headers.get('api-key') ?? undefined
    for (const credential of [bearer, key]) {
      const identity = credential === undefined ? undefined : await keys?.find(credential)
      if (identity !== undefined) return identity
    }
    const caller = bearer === undefined ? undefined : await jwt?.(bearer)
    if (caller !== undefined) return { owner: caller.owner, admin: false }
    throw unauthorized(bearer !== undefined || key !== undefined)
  }
  return Object.assign(authenticate, { ready: jwt?.ready })
}

/**
 * The error for a request without a valid key or token.
 *
 * @param isSent whether it has a key or a token
 */
function unauthorized(isSent: boolean): CfileError {
  const message = isSent
    ? 'The key or token is not valid here, or it has expired.'
    : 'No key or token was sent.'
  return new CfileError('unauthorized', message, {
    hint: 'Send Authorization: Bearer with a key or a token, or api-key with a key.',
    // Required by RFC 9110 §11.6.1, in the form of RFC 6750 §3.
    headers: { 'www-authenticate': isSent ? 'Bearer error="invalid_token"' : 'Bearer' },
  })
}

/** A caller's key. The owner `*` is an admin. */
export interface ApiKey {
  readonly owner: string
  readonly key: string
}

const setting: SecretSetting = {
  setting: 'CFILE_API_KEYS',
  takes:
    'owner:key,owner2:key2 with each key once and of 16 characters or more, no colon in an owner and no comma in a key',
}

/**
 * Reads `owner:key,owner2:key2`; an owner may have several keys.
 *
 * @param text value of the setting
 * @throws CfileError `invalid_request` that names `CFILE_API_KEYS` and no key
 */
export function parseApiKeys(text: string): ApiKey[] {
  const seen = new Set<string>()
  return parseNamedSecrets(text, setting).map(({ name, secret }, index) => {
    const owner = name.trim()
    const key = secret.trim()
    // No client could send another key, since a header allows no other characters (RFC 9110 §5.5).
    if (!/^[\x21-\x7e]+$/.test(key)) {
      throw wrongEntry(setting, index, 'has a key that is not printable ASCII without blanks')
    }
    if (key.length < 16) throw wrongEntry(setting, index, `has a key of ${key.length} characters`)
    if (seen.has(key)) throw wrongEntry(setting, index, 'has the key of another')
    seen.add(key)
    return { owner, key }
  })
}

/** Looks up the owner of a key. */
interface KeyRing {
  find(key: string): Promise<Identity | undefined>
}

/**
 * Creates a key ring, which holds an HMAC of each key. The first search for a key compares it with every HMAC, so that
 * the duration reveals nothing about a wrong key.
 *
 * @param keys keys with their owners
 * @param hmac HMAC-SHA-256 with a secret of this process
 */
export function createKeyRing(keys: readonly ApiKey[], hmac: Hmac): KeyRing {
  const hashed = Promise.all(keys.map(async ({ owner, key }) => ({ owner, hash: await hmac(key) })))
  // Holds valid keys only. Without it, the HMAC would cost every request more than all other checks.
  const valid = new Map<string, Identity>()
  return {
    async find(key) {
      const known = valid.get(key)
      if (known !== undefined) return known
      const sent = await hmac(key)
      let found: string | undefined
      for (const { owner, hash } of await hashed) if (isSame(hash, sent)) found = owner
      if (found === undefined) return undefined
      const identity = { owner: found, admin: found === '*' }
      valid.set(key, identity)
      return identity
    },
  }
}

/** Compares in constant time. */
function isSame(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.byteLength ^ other.byteLength
  for (const [at, byte] of one.entries()) difference |= byte ^ (other[at] ?? 0)
  return difference === 0
}

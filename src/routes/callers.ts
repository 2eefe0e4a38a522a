/**
 * Identifies callers by an API key or a JWT.
 *
 * @module
 */

import type { Context } from 'hono'
import { CfileError } from '../core/errors.ts'
import type { Identity } from '../gateway/owners/caller.ts'
import type { KeyRing } from './api-keys.ts'
import type { JwtCallers } from './jwt-callers.ts'

/** Options of {@link createAuthenticate}. */
export interface AuthenticateOptions {
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
 * @throws (by the check) CfileError `unauthorized`; `not_ready` if tokens can't be checked at the moment
 */
export function createAuthenticate({ keys, jwt }: AuthenticateOptions): Authenticate {
  const authenticate: Authenticate = async ({
    req: {
      raw: { headers },
    },
  }) => {
    const [, bearer] = /^bearer +(\S+)$/i.exec(headers.get('authorization')?.trim() ?? '') ?? []
    const key = headers.get('api-key') ?? undefined
    for (const shown of [bearer, key]) {
      const found = shown === undefined ? undefined : await keys?.find(shown)
      if (found !== undefined) return found
    }
    const found = bearer === undefined ? undefined : await jwt?.(bearer)
    if (found !== undefined) return { owner: found.owner, admin: false }
    throw unauthorized(bearer !== undefined || key !== undefined)
  }
  return Object.assign(authenticate, { ready: jwt?.ready })
}

function unauthorized(isShown: boolean): CfileError {
  const message = isShown
    ? 'The key or token is not one that is taken here, or it has expired.'
    : 'No key or token was sent.'
  return new CfileError('unauthorized', message, {
    hint: 'Send Authorization: Bearer with a key or a token, or api-key with a key.',
    // Required by RFC 9110 §11.6.1, in the form of RFC 6750 §3.
    headers: { 'www-authenticate': isShown ? 'Bearer error="invalid_token"' : 'Bearer' },
  })
}

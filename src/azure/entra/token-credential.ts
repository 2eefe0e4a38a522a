/**
 * Signing in with what an app has already: a credential of `@azure/identity`, or a function.
 *
 * @module
 */

import { CfileError } from '../../core/errors.ts'
import type { Credential } from '../credentials.ts'
import { bearer, type Token, tokenFor } from './tokens.ts'

/** What a credential of `@azure/identity` gives. */
export interface AccessToken {
  readonly token: string
  /** Unix milliseconds. */
  readonly expiresOnTimestamp: number
}

/** What `DefaultAzureCredential` and all others of `@azure/identity` are. */
export interface TokenCredential {
  getToken(
    scopes: string,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<AccessToken | null>
}

/** Gives a token; one without an end is not kept but asked for each time. */
export type TokenProvider = (scope: string) => Promise<string | AccessToken>

/** Signs in with a credential of `@azure/identity`, or with a function that gives tokens. */
export function tokenCredential(source: TokenCredential | TokenProvider): Credential {
  return bearer('token credential', async (scope, { now, signal }) => {
    const got =
      typeof source === 'function'
        ? await source(scope)
        : await source.getToken(scope, { abortSignal: signal })
    if (got === null) throw noToken()
    return typeof got === 'string' ? tokenFor(got, 0, now()) : tokenOf(got, now())
  })
}

function tokenOf({ token, expiresOnTimestamp }: AccessToken, now: number): Token {
  return tokenFor(token, Math.floor(expiresOnTimestamp / 1000) - now, now)
}

function noToken(): CfileError {
  return new CfileError('upstream_auth', 'The credential gave no token.', {
    hint: 'Check what createApp got as the credential: it returned null.',
  })
}

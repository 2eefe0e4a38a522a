/**
 * Signs in with a credential of `@azure/identity`, or with a function that returns tokens.
 *
 * @module
 */

import { CfileError } from '../../core/errors.ts'
import type { Credential } from '../credentials.ts'
import { bearer, type Token, tokenFor } from './tokens.ts'

/** A token as `@azure/identity` returns it. */
export interface AccessToken {
  readonly token: string
  /** Unix milliseconds. */
  readonly expiresOnTimestamp: number
}

/** The interface of `DefaultAzureCredential` and all other credentials of `@azure/identity`. */
export interface TokenCredential {
  getToken(
    scopes: string,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<AccessToken | null>
}

/** Returns a token. A plain string has no known end, so it is not kept; the function is called for each request. */
export type TokenProvider = (scope: string) => Promise<string | AccessToken>

/** Creates a credential from one of `@azure/identity`, or from a function that returns tokens. */
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

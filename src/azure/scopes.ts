/**
 * Signs a request, and once more after a 401.
 *
 * @module
 */

import type { Authorization, Credential, Means } from './credentials.ts'

/** The Entra scopes that a client uses at its endpoint. */
export interface Scopes {
  current: string
  /** Tried once after a 401. Absent once a scope worked or both failed. */
  untried?: string
}

/** What signs a request. */
export interface Signing {
  readonly credential: Credential
  readonly scopes: Scopes
  readonly means: Means & { readonly signal: AbortSignal }
}

/** One attempt to send a request. */
export interface Attempt<T> {
  send(authorization: Authorization): Promise<T>
  isRefused(result: T): boolean
  /** Called with the refused result before the second attempt. */
  discard(refused: T): Promise<void> | void
  /** Whether the request can be sent twice. */
  readonly canRepeat: boolean
}

/**
 * Sends a signed request. After a 401 it is sent once more if it can be repeated: with the endpoint's other scope if no
 * scope has worked yet, else with a new token in case the old one was revoked. The scope that worked is kept. When the
 * request cannot be repeated, the next one begins with the other scope.
 */
export async function sendSignedTwice<T>(
  { credential, scopes, means }: Signing,
  { send, isRefused, discard, canRepeat }: Attempt<T>,
): Promise<T> {
  const { current } = scopes
  const signed = await credential.authorize(current, means)
  const first = await send(signed)
  const { untried } = scopes
  if (!isRefused(first)) scopes.untried = undefined
  if (!canRepeat && isRefused(first) && untried !== undefined) {
    // The next request begins with the other scope, since this one cannot be repeated with it.
    scopes.current = untried
    scopes.untried = current
  }
  if (!isRefused(first) || !canRepeat) return first
  const anew = await credential
    .authorize(untried ?? current, { ...means, refused: signed.value })
    .catch(() => {
      means.signal.throwIfAborted()
      return signed
    })
  if (anew.value === signed.value) return first
  await discard(first)
  const second = await send(anew)
  if (untried !== undefined && !isRefused(second)) scopes.current = untried
  scopes.untried = undefined
  return second
}

/**
 * Credentials: values with one method that signs requests. A refused signature is renewed once.
 *
 * @module
 */

import { isCfileError } from '../core/errors.ts'
import type { Wait } from '../core/time.ts'

/** The parts of the runtime that a credential may need. */
export interface CredentialRuntime {
  readonly fetch: typeof fetch
  /** Unix seconds. */
  readonly now: () => number
  readonly wait: Wait
  /** A random number from 0 to 1. */
  readonly random: () => number
  /** Keeps the process running until a refresh in the background has ended. */
  readonly waitUntil: (work: Promise<unknown>) => void
  /** Reads a text file, on runtimes with a file system. */
  readonly readFile?: (path: string) => Promise<string>
}

/** Options of {@link Credential.authorize}. */
export interface AuthorizeOptions extends CredentialRuntime {
  readonly signal?: AbortSignal
  /** The value that the upstream refused. If it is still the current one, the credential must get another. */
  readonly refused?: string
}

/** The header that signs a request. */
export interface Authorization {
  readonly name: string
  readonly value: string
}

/** A credential. */
export interface Credential {
  /** Name in logs and hints, such as `api key` or `client secret`. */
  readonly kind: string
  /** Signs for a scope such as `https://cognitiveservices.azure.com/.default`. */
  authorize(scope: string, options: AuthorizeOptions): Promise<Authorization>
}

/**
 * A key of the resource, sent as `api-key`.
 *
 * @param key one of the two keys of the resource
 * @see https://learn.microsoft.com/azure/ai-services/authentication
 */
export function apiKey(key: string): Credential {
  return { kind: 'api key', authorize: async () => ({ name: 'api-key', value: key }) }
}

/**
 * Uses the first of several credentials that is available, and keeps it. A credential that is available but refused ends
 * the search, because another identity would hide the fault.
 *
 * @param credentials in the order in which they are tried
 * @throws the error of the first credential, if none is available
 */
export function firstAvailable(...credentials: readonly [Credential, ...Credential[]]): Credential {
  let chosen: Credential | undefined
  return {
    get kind() {
      return (chosen ?? credentials[0]).kind
    },
    async authorize(scope, options) {
      if (chosen !== undefined) return chosen.authorize(scope, options)
      let failure: unknown
      for (const credential of credentials) {
        try {
          const authorization = await credential.authorize(scope, options)
          chosen = credential
          return authorization
        } catch (error) {
          if (options.signal?.aborted || wasAnswered(error)) throw error
          failure ??= error
        }
      }
      throw failure
    },
  }
}

function wasAnswered(error: unknown): boolean {
  return isCfileError(error) && error.details.upstream !== undefined
}

/** The Entra scopes that a client uses at its endpoint. */
export interface Scopes {
  current: string
  /** Tried once after a 401. Absent once a scope worked or both failed. */
  untried?: string
}

/** Credential, scopes and runtime that sign a request. */
interface Signing {
  readonly credential: Credential
  readonly scopes: Scopes
  readonly runtime: CredentialRuntime & { readonly signal: AbortSignal }
}

/** One attempt to send a request. */
interface Attempt<T> {
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
 *
 * @param signing credential, scopes and runtime of the client; `scopes` is changed
 * @param attempt how to send the request, and how to see that it was refused
 * @throws the error of the credential or of `send`
 */
export async function sendSignedTwice<T>(
  { credential, scopes, runtime }: Signing,
  { send, isRefused, discard, canRepeat }: Attempt<T>,
): Promise<T> {
  const { current } = scopes
  const signed = await credential.authorize(current, runtime)
  const first = await send(signed)
  const { untried } = scopes
  if (!isRefused(first)) scopes.untried = undefined
  if (!canRepeat && isRefused(first) && untried !== undefined) {
    // The next request begins with the other scope, since this one cannot be repeated with it.
    scopes.current = untried
    scopes.untried = current
  }
  if (!isRefused(first) || !canRepeat) return first
  const renewed = await credential
    .authorize(untried ?? current, { ...runtime, refused: signed.value })
    .catch(() => {
      runtime.signal.throwIfAborted()
      return signed
    })
  if (renewed.value === signed.value) return first
  await discard(first)
  const second = await send(renewed)
  if (untried !== undefined && !isRefused(second)) scopes.current = untried
  scopes.untried = undefined
  return second
}

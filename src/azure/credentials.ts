/**
 * How cfile signs in: values with one method.
 *
 * @module
 */

import { isCfileError } from '../core/errors.ts'
import type { Wait } from '../core/time.ts'

/** What of the runtime a credential may need. */
export interface Means {
  readonly fetch: typeof fetch
  /** Unix seconds. */
  readonly now: () => number
  readonly wait: Wait
  /** From 0 to 1. */
  readonly random: () => number
  /** Keeps the instance alive for a refresh that nobody waits for. */
  readonly waitUntil: (work: Promise<unknown>) => void
  /** A text file, where there are files. */
  readonly readFile?: (path: string) => Promise<string>
}

/** Options of {@link Credential.authorize}. */
export interface AuthorizeOptions extends Means {
  readonly signal?: AbortSignal
  /** The value that the upstream refused; while it is still the current one, another has to be obtained. */
  readonly refused?: string
}

/** The header that signs a request. */
export interface Authorization {
  readonly name: string
  readonly value: string
}

/** Something that can sign a request. */
export interface Credential {
  /** Its name in logs and hints: `api key`, `client secret`, … */
  readonly kind: string
  /** Signs for a scope such as `https://cognitiveservices.azure.com/.default`. */
  authorize(scope: string, options: AuthorizeOptions): Promise<Authorization>
}

/** A key of the resource, sent as `api-key`. */
export function apiKey(key: string): Credential {
  return { kind: 'api key', authorize: async () => ({ name: 'api-key', value: key }) }
}

/**
 * The first of several credentials that exists here; from then on it is that one. One that is there and is refused ends
 * the search: another identity in its place would hide the fault.
 *
 * @throws whatever the first said, where none exists
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

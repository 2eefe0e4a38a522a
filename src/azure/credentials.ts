/**
 * How cfile signs in: values with one method.
 *
 * @module
 */

/** Options of {@link Credential.authorize}. */
export interface AuthorizeOptions {
  readonly signal?: AbortSignal
  /** Whether what was used before was refused, so that it must be obtained anew. */
  readonly refresh?: boolean
}

/** Something that can sign a request. */
export interface Credential {
  /** Its name in logs and hints: `api key`, `client secret`, … */
  readonly kind: string
  /** The header that signs a request for a scope such as `https://cognitiveservices.azure.com/.default`. */
  authorize(
    scope: string,
    options?: AuthorizeOptions,
  ): Promise<{ readonly name: string; readonly value: string }>
}

/** A key of the resource, sent as `api-key`. */
export function apiKey(key: string): Credential {
  return { kind: 'api key', authorize: async () => ({ name: 'api-key', value: key }) }
}

/**
 * What is sent to an upstream, before it is known how.
 *
 * @module
 */

/** A request to the upstream. */
export interface AzureRequest {
  readonly method: string
  /** Below `/openai/v1`, its segments encoded. */
  readonly path: string
  /** With or without its `?`. */
  readonly query?: string
  readonly headers?: Headers | Readonly<Record<string, string>>
  readonly body?: BodyInit | null
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  /** `root`: below `/openai`, for what is still served under a dated api-version. @default 'v1' */
  readonly below?: 'v1' | 'root'
  /** `false`: sent once, whatever comes. @default GET and HEAD are sent again where that may help */
  readonly repeat?: false
  /** Milliseconds that may go by in all because the upstream says `Retry-After`. @default as long as there is time */
  readonly patienceMs?: number
}

/** Sends a request; resolves with the answer whatever its status. */
export type Send = (request: AzureRequest) => Promise<Response>

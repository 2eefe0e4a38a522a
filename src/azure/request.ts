/**
 * The form of requests to an upstream, independent of how they are sent.
 *
 * @module
 */

/** A request to the upstream. */
export interface AzureRequest {
  readonly method: string
  /** Path below `/openai/v1`, its segments encoded. */
  readonly path: string
  /** With or without its `?`. */
  readonly query?: string
  readonly headers?: Headers | Readonly<Record<string, string>>
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | FormData | null
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  /** `root`: below `/openai`, for operations that still need a dated api-version. @default 'v1' */
  readonly below?: 'v1' | 'root'
  /** `false`: never send again. @default GET and HEAD are repeated after failures that may pass */
  readonly repeat?: false
  /** Milliseconds to wait in total because of `Retry-After`. @default the whole time limit */
  readonly patienceMs?: number
}

/** Sends a request and resolves with the answer, for any status. */
export type Send = (request: AzureRequest) => Promise<Response>

/**
 * Observes a request before it is sent, and may add headers. The returned function is called once with the status of
 * the answer, or with `undefined` without an answer.
 */
export type ObserveRequest = (
  request: Pick<AzureRequest, 'method' | 'signal'>,
  headers: Record<string, string>,
) => (status?: number) => void

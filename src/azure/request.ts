/**
 * The type of requests to an upstream, and the watch over the upload of their bodies.
 *
 * @module
 */

import { stopped } from '../core/bytes/failures.ts'
import { passBody } from '../core/bytes/idle.ts'
import { isCfileError } from '../core/errors.ts'
import type { Deadline, Wait } from '../core/time.ts'

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

/** Options of {@link followUpload}. */
export interface UploadOptions {
  readonly wait: Wait
  /** Milliseconds without a chunk after which the upload is cancelled. @default 60000 */
  readonly idleMs?: number
  /** @default true */
  readonly followsUploads?: boolean
}

/** A monitored body, and the error that ended it, if the body was the cause. */
export interface FollowedUpload {
  readonly body: AzureRequest['body']
  failure(): unknown
}

/**
 * Monitors a request body. Restarts the time limit with each chunk that the upstream takes.
 *
 * @param deadline the limit of the whole request
 */
export function followUpload(
  { wait, idleMs = 60_000, followsUploads = true }: UploadOptions,
  { body }: AzureRequest,
  deadline: Deadline,
): FollowedUpload {
  if (!followsUploads || !(body instanceof ReadableStream))
    return { body, failure: () => undefined }
  let failure: unknown
  const explain = (error: unknown): unknown => {
    const named = stopped(error, idleMs)
    if (isCfileError(named)) failure = named
    return named
  }
  return {
    body: passBody(body, { wait, idleMs, explain, onChunk: deadline.restart }),
    failure: () => failure,
  }
}

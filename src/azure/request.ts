/**
 * Requests to an upstream: their type, URL and signed headers, the monitoring of their uploads, and the errors for
 * requests without a usable answer.
 *
 * @module
 */

import { stopped } from '../core/bytes/failures.ts'
import { passBody } from '../core/bytes/limit.ts'
import { CfileError, HandshakeRefused, isCfileError } from '../core/errors.ts'
import type { Deadline, Wait } from '../core/time.ts'
import type { Authorization } from './credentials.ts'
import { type Endpoint, rootUrl, upstreamUrl } from './endpoint.ts'
import { upstreamAnswer } from './errors.ts'

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
  /** `false`: send once. @default GET and HEAD are retried after transient failures */
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

/**
 * The URL of a request. Throws if it could leave the endpoint.
 *
 * @throws CfileError `invalid_request`
 */
export function urlOf(
  endpoint: Endpoint,
  { path, query, below = 'v1' }: Pick<AzureRequest, 'path' | 'query' | 'below'>,
): URL {
  return (below === 'v1' ? upstreamUrl : rootUrl)(endpoint, path, query)
}

const credentialHeaders = new Set([
  'authorization',
  'api-key',
  'cookie',
  'proxy-authorization',
  'host',
])

/**
 * Adds the credential to the headers of a request. It comes last, so that no other header can replace it.
 *
 * @param headers of the caller; credentials in them are left out
 */
export function signedHeaders(
  headers: AzureRequest['headers'] = {},
  { name, value }: Authorization,
): Record<string, string> {
  const signed: Record<string, string> = {}
  for (const [given, text] of headers instanceof Headers ? headers : Object.entries(headers)) {
    const lower = given.toLowerCase()
    if (!credentialHeaders.has(lower)) signed[lower] = text
  }
  // A coded body has another length than the file, and no ranges.
  signed['accept-encoding'] = 'identity'
  signed[name] = value
  return signed
}

/** Options of {@link followUpload}. */
interface UploadOptions {
  readonly wait: Wait
  /** Milliseconds without a chunk after which the upload is cancelled. @default 60000 */
  readonly idleMs?: number
  /** @default true */
  readonly followsUploads?: boolean
}

/** A monitored body, and the error that ended it, if the body was the cause. */
interface FollowedUpload {
  readonly body: AzureRequest['body']
  failure(): unknown
}

/**
 * Monitors a request body. Restarts the time limit with each chunk that the upstream takes.
 *
 * @param options timer and time limit; `followsUploads: false` passes the body unseen
 * @param request only its body is used, and only a stream is monitored
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

/**
 * Converts a refused handshake; `undefined` for any other error.
 *
 * @param error that the runtime's `connect` threw
 */
export function asRefusal(error: unknown): CfileError | undefined {
  if (!(error instanceof HandshakeRefused)) return undefined
  const isAuth = error.status === 401 || error.status === 403
  return new CfileError(
    isAuth ? 'upstream_auth' : 'upstream_error',
    `The upstream refused the WebSocket with status ${error.status}.`,
    { hint: 'Send the same request by POST to see the reason.', cause: error },
  )
}

/**
 * The error for a redirect, which is never followed.
 *
 * @param answer with a status of 3xx, or an opaque one
 */
export function redirected(answer: Response): CfileError {
  return new CfileError(
    'upstream_invalid',
    'The upstream answered with a redirect, which was not followed.',
    {
      hint: 'AZURE_OPENAI_ENDPOINT must be the resource itself, not something that forwards to it.',
      upstream: upstreamAnswer(answer),
    },
  )
}

/**
 * Converts any failure to reach the upstream.
 *
 * @param error that `fetch`, a credential or a socket threw
 * @param isLate whether the time limit ended the request
 * @returns a CfileError with `upstream_timeout` or `upstream_error`; a CfileError is returned as it is
 */
export function asFailure(error: unknown, isLate: boolean): unknown {
  if (error instanceof CfileError) return error
  if (isLate) {
    return new CfileError('upstream_timeout', 'The upstream did not answer in time.', {
      hint: 'CFILE_UPSTREAM_TIMEOUT_MS and CFILE_GENERATION_TIMEOUT_MS set how long it may take.',
      cause: error,
    })
  }
  return new CfileError('upstream_error', 'The upstream could not be reached.', {
    hint: 'Check AZURE_OPENAI_ENDPOINT, and that this machine may connect to it: name resolution, firewall, private endpoint.',
    cause: error,
  })
}

/**
 * The error for a part of a coded body that the request did not ask for.
 *
 * @param answer a 206 with `Content-Encoding`
 */
export function codedPart(answer: Response): CfileError {
  return new CfileError('upstream_invalid', 'The upstream sent a part that was not asked for.', {
    upstream: upstreamAnswer(answer),
  })
}

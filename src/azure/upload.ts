/**
 * Monitors uploads: a slow upload has unlimited time, a stalled one is cancelled.
 *
 * @module
 */

import { stopped } from '../core/bytes/failures.ts'
import { passBody } from '../core/bytes/pass.ts'
import { isCfileError } from '../core/errors.ts'
import type { Deadline, Wait } from '../core/time.ts'
import type { AzureRequest } from './request.ts'

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

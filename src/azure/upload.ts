/**
 * Uploads on their way: slow ones have all the time that they need, and those that stand still end.
 *
 * @module
 */

import { stopped } from '../core/bytes/failures.ts'
import { passBody } from '../core/bytes/pass.ts'
import { isCfileError } from '../core/errors.ts'
import type { Deadline, Wait } from '../core/time.ts'
import type { AzureRequest } from './request.ts'

/** What {@link followUpload} goes by. */
export interface UploadOptions {
  readonly wait: Wait
  /** Milliseconds that the upload may be silent. @default 60000 */
  readonly idleMs?: number
  /** @default true */
  readonly followsUploads?: boolean
}

/** A body to be sent, and what broke it off, where it was that and no other cause. */
export interface FollowedUpload {
  readonly body: AzureRequest['body']
  failure(): unknown
}

/** Begins the limit anew with each chunk that the upstream takes, and breaks off where none comes for too long. */
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

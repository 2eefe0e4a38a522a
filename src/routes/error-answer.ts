/**
 * The answer to a request that failed: JSON for programs, a page for somebody who followed a link in a browser.
 *
 * @module
 */

import type { Context } from 'hono'
import { type CfileError, toErrorBody } from '../core/errors.ts'
import { prefersHtml } from '../core/http/accept.ts'
import { errorPage } from '../page/error-page.ts'
import { plainPageHeaders } from '../page/plain-page.ts'

/** The id of the request, and where it may be answered with a page. */
export interface ErrorTerms {
  readonly requestId: string
  /** @default false */
  readonly hasPages?: boolean
}

// Without it, caches keep a 404 or a 410 for minutes, above all of paths that end like a picture's.
const ofErrors = { 'cache-control': 'private, no-store', 'x-content-type-options': 'nosniff' }

/** Answers with an error; the details' own headers (`Allow`, `Retry-After`) go along. */
export function answerWithError(
  c: Context,
  error: CfileError,
  { requestId, hasPages = false }: ErrorTerms,
): Response | Promise<Response> {
  const status = error.status as 400
  const headers = { 'x-request-id': requestId, ...error.details.headers }
  if (hasPages && prefersHtml(c.req.header('accept'))) {
    const page = errorPage({ error, requestId, nonce: requestId })
    return c.html(page, status, { ...plainPageHeaders(requestId), ...headers })
  }
  return c.json(toErrorBody(error, requestId), status, { ...ofErrors, ...headers })
}

/**
 * Answers failed requests: JSON for programs, a page for people who followed a link in a browser.
 *
 * @module
 */

import { type CfileError, toCfileError, toErrorBody } from '../../core/errors.ts'
import { prefersHtml } from '../../core/http/content-type.ts'
import { failExchange } from '../../gateway/exchange.ts'
import type { Log } from '../../gateway/gateway.ts'
import { errorPage } from '../../page/error-page.ts'
import { pageHeaders } from '../../page/frame.ts'
import type { RouteContext } from '../request.ts'

/** The status, as in nginx, for a client that closed the connection before the answer. It is no failure of the server. */
export const clientGone = 499

/**
 * Answers with the error that a route threw, and logs its cause.
 *
 * @param error any value, since the reason of an aborted signal can be any value
 * @returns 499 without a body if the client has left
 */
export function answerFailure(
  log: Log,
  c: RouteContext,
  error: unknown,
): Response | Promise<Response> {
  if (c.req.raw.signal.aborted) {
    failExchange(c.get('exchange'))
    return c.body(null, clientGone as 400)
  }
  const known = toCfileError(error)
  if (known.status < 500) logRefusal(log, c, known)
  else {
    log('error', known.message, {
      request_id: c.get('requestId'),
      code: known.code,
      hint: known.details.hint,
      upstream: known.details.upstream,
      cause: known.cause === undefined ? undefined : String(known.cause),
    })
  }
  return answerWithError(c, known)
}

/** Logs a refusal without its message and cause, which may quote a name or a token that the client sent. */
function logRefusal(log: Log, c: RouteContext, { code, details: { param, upstream } }: CfileError) {
  if (log.writes?.('debug') === false) return
  const fields = { request_id: c.get('requestId'), code, param, upstream }
  log('debug', `A request was refused with ${code}.`, fields)
}

// Without `no-store`, caches keep a 404 or a 410 for minutes, above all for paths that end like those of pictures.
const errorHeaders = { 'cache-control': 'private, no-store', 'x-content-type-options': 'nosniff' }

/**
 * Answers with an error, its status, and the headers in its details, such as `Allow` and `Retry-After`.
 */
export function answerWithError(c: RouteContext, error: CfileError): Response | Promise<Response> {
  const requestId = c.get('requestId')
  const status = error.status as 400
  const headers = { 'x-request-id': requestId, ...error.details.headers }
  failExchange(c.get('exchange'), error.code)
  if (c.get('hasPages') && prefersHtml(c.req.header('accept'))) {
    const page = errorPage({ error, requestId, nonce: requestId })
    return c.html(page, status, { ...pageHeaders(requestId), ...headers })
  }
  return c.json(toErrorBody(error, requestId), status, { ...errorHeaders, ...headers })
}

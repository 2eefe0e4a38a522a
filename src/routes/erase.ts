/**
 * What both routes that erase share: `?upstream=1`, and the answer where Azure keeps something.
 *
 * @module
 */

import { CfileError, toErrorBody } from '../core/errors.ts'
import { failExchange } from '../gateway/exchange.ts'
import { queryOnce, type RouteContext } from './request.ts'

/**
 * Whether a request wants the files erased at Azure too.
 *
 * @throws CfileError `invalid_request` for any value but 1: taken for "no" it would leave the files there
 */
export function isUpstreamToo(c: RouteContext): boolean {
  const value = queryOnce(c, 'upstream')
  if (value === undefined || value === '1') return value === '1'
  throw new CfileError('invalid_request', 'The parameter upstream takes 1.', { param: 'upstream' })
}

/**
 * Answers with what was erased; where something was not, with an error that names it.
 *
 * @param failed ids of files and containers
 */
export function answerErased(
  c: RouteContext,
  body: object,
  failed: readonly string[] = [],
): Response {
  if (failed.length === 0) return c.json({ ...body, deleted: true })
  const error = new CfileError('upstream_error', 'Not everything could be erased at Azure.', {
    hint: 'What is named in "failed" is still there, and the log has the causes. Send the same request again.',
  })
  failExchange(c.get('exchange'), error.code)
  const envelope = toErrorBody(error, c.get('requestId'))
  return c.json({ ...body, deleted: false, failed, ...envelope }, 502)
}

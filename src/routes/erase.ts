/**
 * Shared by the routes that erase: the parameter `upstream`, and the answer when Azure did not delete everything.
 *
 * @module
 */

import { CfileError, toErrorBody } from '../core/errors.ts'
import { failExchange } from '../gateway/exchange.ts'
import { type RouteContext, readQuery } from './request.ts'
import { eraseQuery } from './schemas.ts'

/**
 * Whether a request asks to erase files at Azure too (`?upstream=1`).
 *
 * @throws CfileError `invalid_request` for any other value, which would otherwise silently leave the files there
 */
export function isUpstreamToo(c: RouteContext): boolean {
  return readQuery(c, eraseQuery).upstream === '1'
}

/**
 * Answers 200 when everything was erased, and 502 otherwise.
 *
 * @param failed ids of files and containers that could not be erased
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

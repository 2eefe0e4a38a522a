/**
 * `DELETE /owners/{owner}`: an admin erases everything of an owner. `DELETE /files/{file_id}` has the same parameter and the
 * same form of answer, so it uses the functions here.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import { CfileError, toErrorBody } from '../core/errors.ts'
import { eraseOwner } from '../gateway/archive/erase.ts'
import { eraseOwnerUpstream } from '../gateway/containers/erase-upstream.ts'
import { failExchange } from '../gateway/exchange.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { addPath, type RouteContext, type RouteEnv, readQuery } from './request.ts'
import { eraseQuery } from './schemas.ts'

/** Creates the routes below `/owners`. */
export function ownerRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  addPath(routes, '/:owner{.+}', {
    DELETE: async (c) => {
      const owner = c.req.param('owner') ?? ''
      const erase = isUpstreamToo(c) ? eraseOwnerUpstream : eraseOwner
      const found = await erase(gateway, c.get('caller'), owner, c.req.raw.signal)
      const { failed = [], ...erased }: typeof found & { failed?: readonly string[] } = found
      return answerErased(c, { owner, object: 'owner.deleted', ...erased }, failed)
    },
  })
  return routes
}

/**
 * Whether a request asks to erase files at Azure too (`?upstream=1`).
 *
 * @throws CfileError `invalid_request` for any other value, since ignoring it would leave the files at Azure
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
    hint: 'The files and containers in "failed" still exist; the log has the causes. Send the same request again.',
  })
  failExchange(c.get('exchange'), error.code)
  const envelope = toErrorBody(error, c.get('requestId'))
  return c.json({ ...body, deleted: false, failed, ...envelope }, 502)
}

/**
 * `DELETE /owners/{owner}`: an admin erases everything that is stored about an owner.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import { eraseOwner } from '../gateway/archive/erase.ts'
import { eraseOwnerUpstream } from '../gateway/containers/erase-upstream.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { answerErased, isUpstreamToo } from './erase.ts'
import { methodNotAllowed, type RouteEnv } from './request.ts'

/** Creates the routes below `/owners`. */
export function ownerRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  routes.delete('/:owner{.+}', async (c) => {
    const owner = c.req.param('owner')
    const body = { owner, object: 'owner.deleted' }
    const { signal } = c.req.raw
    if (!isUpstreamToo(c)) {
      return answerErased(c, {
        ...body,
        ...(await eraseOwner(gateway, c.get('caller'), owner, signal)),
      })
    }
    const { failed, ...erased } = await eraseOwnerUpstream(gateway, c.get('caller'), owner, signal)
    return answerErased(c, { ...body, ...erased }, failed)
  })
  routes.all('/:owner{.+}', methodNotAllowed('DELETE'))
  return routes
}

/**
 * `/owners/{owner}`: for admins, the end of everything that is kept of an owner.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import { eraseOwner } from '../gateway/archive/erase.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { methodNotAllowed, type RouteEnv } from './request.ts'

/** The routes below `/owners`. */
export function ownerRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  routes.delete('/:owner{.+}', async (c) => {
    const owner = c.req.param('owner')
    const erased = await eraseOwner(gateway, c.get('caller'), owner, c.req.raw.signal)
    return c.json({ owner, object: 'owner.deleted', deleted: true, ...erased })
  })
  routes.all('/:owner{.+}', methodNotAllowed('DELETE'))
  return routes
}

/**
 * `/healthz` and `/readyz`: open, and without the id or the owner of anything.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import { CfileError } from '../core/errors.ts'
import { archiveStatus } from '../gateway/archive/find.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { RouteEnv } from './request.ts'

/** The process answers. */
export function healthRoutes(): Hono<RouteEnv> {
  return new Hono<RouteEnv>().get('/', (c) => c.json({ status: 'ok' }))
}

/** The process can do its work: it is not shutting down, and its store answers. */
export function readyRoutes(gateway: Gateway): Hono<RouteEnv> {
  return new Hono<RouteEnv>().get('/', async (c) => {
    if (gateway.sockets.isClosing())
      throw new CfileError('not_ready', 'This instance is shutting down; ask another one.')
    await gateway.store.check()
    const upstreams = gateway.upstreams.map((upstream) => ({
      name: upstream.name,
      status: gateway.balance.isResting(upstream) ? 'resting' : 'ok',
    }))
    // An ill archive is no reason to send requests elsewhere: the upstream serves what it still has.
    const archive = await archiveStatus(gateway, c.req.raw.signal)
    return c.json({ status: 'ready', upstreams, archive })
  })
}

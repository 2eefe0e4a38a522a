/**
 * `/healthz`, `/readyz` and `/metrics`. They need no key, and their answers contain no ids and no owners.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import { CfileError } from '../core/errors.ts'
import { archiveStatus } from '../gateway/archive/find.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { RouteEnv } from './request.ts'

/** Creates the route at `/healthz`: 200 as long as the process answers. */
export function healthRoutes(): Hono<RouteEnv> {
  return new Hono<RouteEnv>().get('/', (c) => c.json({ status: 'ok' }))
}

/** Creates the route at `/readyz`: 503 on shutdown, while the store fails, and until callers can be identified. */
export function readyRoutes(gateway: Gateway): Hono<RouteEnv> {
  return new Hono<RouteEnv>().get('/', async (c) => {
    if (gateway.sockets.isClosing())
      throw new CfileError('not_ready', 'This instance is shutting down; ask another one.')
    await gateway.store.check()
    await gateway.owners.ready?.()
    const upstreams = gateway.upstreams.map((upstream) => ({
      name: upstream.name,
      status: gateway.balance.isCoolingDown(upstream) ? 'resting' : 'ok',
    }))
    // A failing archive does not make the instance unready, since the upstream still serves its files.
    const archive = await archiveStatus(gateway, c.req.raw.signal)
    return c.json({ status: 'ready', upstreams, archive })
  })
}

/** Creates the route at `/metrics`. */
export function metricsRoutes({ observed: { metrics } }: Gateway): Hono<RouteEnv> {
  return new Hono<RouteEnv>().get('/', (c) =>
    c.text(metrics.toText(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  )
}

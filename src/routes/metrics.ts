/**
 * `/metrics`: counters in the Prometheus text format.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import type { Gateway } from '../gateway/gateway.ts'
import type { RouteEnv } from './request.ts'

/** Creates the route at `/metrics`. */
export function metricsRoutes({ observed: { metrics } }: Gateway): Hono<RouteEnv> {
  return new Hono<RouteEnv>().get('/', (c) =>
    c.text(metrics.toText(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  )
}

/**
 * `/openai/v1` and `/v1`: the OpenAI API, for SDKs that have their base URL here.
 *
 * @module
 */

import { basePath } from 'hono/route'
import { Hono } from 'hono/tiny'
import { forward } from '../gateway/forward.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { RouteEnv } from './context.ts'

/** The routes below `/openai/v1` and `/v1`. */
export function openaiRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  routes.all('*', (c) => {
    const { pathname, search } = new URL(c.req.url)
    return forward(gateway, c.get('caller'), {
      method: c.req.method,
      path: pathname.slice(basePath(c).length),
      query: search,
      headers: c.req.raw.headers,
      body: c.req.raw.body,
      signal: c.req.raw.signal,
    })
  })
  return routes
}

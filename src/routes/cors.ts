/**
 * Cross-origin requests of browsers (Fetch standard, "CORS protocol"), for the origins that `CFILE_CORS_ORIGINS` names.
 *
 * @module
 */

import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import type { RouteContext, RouteEnv } from './request.ts'

const exposeHeaders = [
  'Content-Disposition',
  'Content-Length',
  'Content-Range',
  'Accept-Ranges',
  'ETag',
  'Repr-Digest',
  'Retry-After',
  'x-request-id',
]
const allowMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/**
 * Lets pages of these origins read the answers of a family of routes, errors included. Credentials of a browser
 * (cookies) are never allowed: callers show keys.
 *
 * @param origins such as `https://app.example`, or `*`
 */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler<RouteEnv> {
  const origin = origins.includes('*') ? '*' : [...origins]
  const allow = cors({ origin, allowMethods, exposeHeaders, maxAge: 600 })
  return async (c, next) => {
    if (isPreflight(c)) return allow(c, next)
    await next()
    // After the answer is there: headers set before it would make Hono copy the answer, and its body into a web stream.
    await allow(c, async () => {})
  }
}

/** Other OPTIONS requests are a matter of the routes. */
function isPreflight({ req }: RouteContext): boolean {
  return req.method === 'OPTIONS' && req.header('access-control-request-method') !== undefined
}

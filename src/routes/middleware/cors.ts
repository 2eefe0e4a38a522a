/**
 * Cross-origin requests of browsers (Fetch standard, "CORS protocol"), for the origins that `CFILE_CORS_ORIGINS` names.
 *
 * @module
 */

import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import type { RouteContext, RouteEnv } from '../request.ts'

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
 * Creates a middleware that lets pages of other origins read answers, including errors. Cookies are never allowed, since
 * callers authenticate with keys.
 *
 * @param origins such as `https://app.example`, or `*`
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler<RouteEnv> {
  const origin = origins.includes('*') ? '*' : [...origins]
  const allow = cors({ origin, allowMethods, exposeHeaders, maxAge: 600 })
  return async (c, next) => {
    if (isPreflight(c)) return allow(c, next)
    await next()
    // After the answer exists: headers set before would make Hono copy the answer and turn its body into a web stream.
    await allow(c, async () => {})
  }
}

/** Whether a request is a CORS preflight. Other OPTIONS requests go to the routes. */
function isPreflight({ req }: RouteContext): boolean {
  return req.method === 'OPTIONS' && req.header('access-control-request-method') !== undefined
}

/**
 * `/openai/v1`, `/v1` and `/openai`: the OpenAI API, for SDKs that have their base URL here.
 *
 * @module
 */

import { basePath } from 'hono/route'
import { Hono } from 'hono/tiny'
import { forward } from '../gateway/forward.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { RouteContext, RouteEnv } from './context.ts'
import { filesApiRoutes } from './files-api.ts'

/** The routes below `/openai/v1` and `/v1`. */
export function openaiRoutes(gateway: Gateway): Hono<RouteEnv> {
  return new Hono<RouteEnv>()
    .route('/files', filesApiRoutes(gateway))
    .all('*', (c) => forwardBelow(gateway, c, 'v1'))
}

/**
 * The routes below `/openai`, where `AzureOpenAI` clients ask with a dated `api-version`. Deployments are served there;
 * all else is served without a date only, so it goes to the v1 path.
 */
export function datedRoutes(gateway: Gateway): Hono<RouteEnv> {
  return new Hono<RouteEnv>()
    .all('/deployments/*', (c) => forwardBelow(gateway, c, 'root'))
    .route('/files', filesApiRoutes(gateway))
    .all('*', (c) => forwardBelow(gateway, c, 'v1'))
}

function forwardBelow(gateway: Gateway, c: RouteContext, below: 'v1' | 'root'): Promise<Response> {
  const { pathname, search } = new URL(c.req.url)
  const { method, headers, body, signal } = c.req.raw
  return forward(gateway, c.get('caller'), {
    method,
    path: pathname.slice(familyPath(c).length),
    query: below === 'v1' ? withoutDate(search) : search,
    headers,
    body,
    signal,
    below,
  })
}

/** Where the family is mounted, as the request wrote it. */
function familyPath(c: RouteContext): string {
  return basePath(c).replace(/\/\*?$/, '')
}

/** The v1 path refuses dates; all other parameters stay as they were written. */
function withoutDate(search: string): string {
  const kept = search
    .slice(1)
    .split('&')
    .filter((parameter) => !/^api-version=\d/i.test(parameter))
    .join('&')
  return kept === '' ? '' : `?${kept}`
}

/**
 * `/openai/v1`, `/v1` and `/openai`: the OpenAI API, for SDKs that have their base URL here.
 *
 * @module
 */

import { basePath } from 'hono/route'
import { Hono } from 'hono/tiny'
import type { UpgradeBindings } from '../core/socket.ts'
import { forward } from '../gateway/forward.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { serveSocket } from '../gateway/proxy/websocket.ts'
import type { RouteContext, RouteEnv } from './context.ts'
import { filesApiRoutes } from './files-api.ts'

/** The routes below `/openai/v1` and `/v1`. */
export function openaiRoutes(gateway: Gateway): Hono<RouteEnv> {
  return new Hono<RouteEnv>()
    .route('/files', filesApiRoutes(gateway))
    .get('/responses', (c) => upgradeToSocket(gateway, c) ?? forwardBelow(gateway, c, 'v1'))
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

/** Serves a WebSocket where one is asked for and the runtime has them; otherwise `undefined`. */
function upgradeToSocket(gateway: Gateway, c: RouteContext): Response | undefined {
  if (!/^websocket$/i.test(c.req.header('upgrade') ?? '')) return undefined
  const { upgrade } = (c.env ?? {}) as UpgradeBindings
  // A copy: Deno closes the request with the upgrade, and with it what was not read of it.
  const headers = new Headers(c.req.raw.headers)
  const { search: query } = new URL(c.req.url)
  const request = { headers, query: withoutDate(query), requestId: c.get('requestId') }
  return upgrade?.((client) => serveSocket(gateway, c.get('caller'), request, client))
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

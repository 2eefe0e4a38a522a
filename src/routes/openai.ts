/**
 * `/openai/v1`, `/v1`, `/api/projects/{project}/openai/v1` and `/openai`: the OpenAI API, for SDKs that have their base URL
 * here.
 *
 * @module
 */

import type { MiddlewareHandler } from 'hono'
import { baseRoutePath } from 'hono/route'
import { Hono } from 'hono/tiny'
import type { UpgradeBindings } from '../core/sockets/socket.ts'
import { decodeOnce } from '../core/url.ts'
import { endBody } from '../gateway/exchange.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { forward } from '../gateway/proxy/forward.ts'
import { serveSocket } from '../gateway/proxy/websocket.ts'
import { filesApiRoutes } from './files-api.ts'
import { nothingServed, type RouteContext, type RouteEnv, wrongMethod } from './request.ts'

/** The routes below `/openai/v1`, `/v1` and a project's `/openai/v1`. */
export function openaiRoutes(gateway: Gateway): Hono<RouteEnv> {
  return new Hono<RouteEnv>()
    .use(requireBase(gateway, (first) => !isPrefix(first) && first !== 'deployments'))
    .route('/files', filesApiRoutes(gateway))
    .get('/responses', (c) => upgradeToSocket(gateway, c) ?? forwardTo(gateway, c, v1Target(c)))
    .all('*', (c) => forwardTo(gateway, c, v1Target(c)))
}

/**
 * The routes below `/openai`, where `AzureOpenAI` clients ask with an `api-version` and the Vercel AI SDK without one.
 * Deployments are served there, except for responses: these and all else are served without a date only, so they go to
 * the v1 path.
 */
export function datedRoutes(gateway: Gateway): Hono<RouteEnv> {
  return new Hono<RouteEnv>()
    .use(requireBase(gateway, (first) => !isPrefix(first)))
    .all('/deployments/*', (c) => forwardTo(gateway, c, deploymentTarget(partsOf(c))))
    .route('/files', filesApiRoutes(gateway))
    .all('*', (c) => forwardTo(gateway, c, v1Target(c)))
}

/** Serves a WebSocket where one is asked for and the runtime has them; otherwise `undefined`. */
function upgradeToSocket(gateway: Gateway, c: RouteContext): Response | undefined {
  if (!/^websocket$/i.test(c.req.header('upgrade') ?? '')) return undefined
  const { upgrade } = (c.env ?? {}) as UpgradeBindings
  // A copy: Deno closes the request with the upgrade, and with it what was not read of it.
  const headers = new Headers(c.req.raw.headers)
  const { search: query } = new URL(c.req.url)
  const exchange = c.get('exchange')
  const request = { headers, query: withoutDate(query), exchange }
  const answer = upgrade?.((client) => {
    const served = serveSocket(gateway, c.get('caller'), request, client)
    return served.finally(() => endBody(exchange, 0, 'done'))
  })
  if (answer !== undefined && answer.status < 400) exchange.body = 'socket'
  return answer
}

/** Whether a path goes on with the first part of a base URL, or with none: the client has another base URL in mind. */
function isPrefix(first: string): boolean {
  return ['', 'openai', 'v1', 'api'].includes(first)
}

/** @throws (in the chain) CfileError `not_found`, whose hint names the right base URL */
function requireBase(
  { links: { publicUrl } }: Gateway,
  isRight: (first: string) => boolean,
): MiddlewareHandler<RouteEnv> {
  return async (c, next) => {
    const [, first = ''] = partsOf(c).path.split('/')
    if (!isRight(first)) throw nothingServed(publicUrl)
    await next()
  }
}

/** What is asked for below the family's own path, as it was written. */
interface Parts {
  readonly path: string
  /** With its `?`, or empty. */
  readonly search: string
}

function partsOf(c: RouteContext): Parts {
  const { pathname, search } = new URL(c.req.url)
  // By segments, since the router decodes what stands for a parameter of the base.
  const depth = baseRoutePath(c)
    .replace(/\/\*?$/, '')
    .split('/').length
  const below = pathname.split('/').slice(depth)
  return { path: below.map((segment) => `/${segment}`).join(''), search }
}

/** Where a request goes at the upstream. */
interface Target extends Parts {
  readonly below: 'v1' | 'root'
  /** The model of a body that names none. */
  readonly model?: string
}

function v1Target(c: RouteContext): Target {
  const { path, search } = partsOf(c)
  return { path, search: withoutDate(search), below: 'v1' }
}

// The others name a response that has its model already.
const makers = ['/responses', '/responses/compact', '/responses/input_tokens']

function deploymentTarget({ path, search }: Parts): Target {
  const [, deployment, rest] = /^\/deployments\/([^/]+)(\/responses(?:\/.*)?)$/.exec(path) ?? []
  if (deployment === undefined || rest === undefined) return { path, search, below: 'root' }
  const model = makers.includes(rest) ? decodeOnce(deployment) : undefined
  return { path: rest, search: withoutDate(search), below: 'v1', model }
}

// Others are unknown to the API, but a server behind it may give them a meaning.
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

async function forwardTo(
  gateway: Gateway,
  c: RouteContext,
  { path, search, below, model }: Target,
): Promise<Response> {
  const { method, headers, body, signal } = c.req.raw
  if (!methods.includes(method)) throw wrongMethod(method, methods.join(', '))
  const to = { path, query: search, below, model: method === 'POST' ? model : undefined }
  const exchange = c.get('exchange')
  const answer = await forward(gateway, c.get('caller'), {
    method,
    headers,
    body,
    signal,
    exchange,
    ...to,
  })
  if (answer.body !== null) exchange.body = 'passing'
  return answer
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

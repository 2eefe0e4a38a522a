/**
 * The OpenAI API for SDKs whose base URL is the gateway: `/openai/v1`, `/v1`, `/api/projects/{project}/openai/v1` and
 * `/openai`.
 *
 * Container files below `/files` are served here, because the Files API of the upstream does not have them. Everything else
 * is forwarded. A path that begins with a base path comes from a wrong `base_url`; the error names the right one.
 *
 * @module
 */

import type { MiddlewareHandler } from 'hono'
import { Hono } from 'hono/tiny'
import { CfileError } from '../core/errors.ts'
import type { UpgradeBindings } from '../core/http/websocket.ts'
import { decodeOnce } from '../core/url.ts'
import { endBody } from '../gateway/exchange.ts'
import { deleteFile, describeFile, locateForFilesApi } from '../gateway/files/file-object.ts'
import type { NamedFile } from '../gateway/files/locate.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { forward } from '../gateway/proxy/forward.ts'
import { serveSocket } from '../gateway/proxy/socket/serve.ts'
import { deliverToCaller } from './files.ts'
import {
  addPath,
  baseRouteOf,
  nothingServed,
  type RouteContext,
  type RouteEnv,
  readQuery,
  wrongMethod,
} from './request.ts'
import { type FileQuery, fileQuery } from './schemas.ts'

/** Creates the routes below `/openai/v1`, `/v1` and `/api/projects/{project}/openai/v1`. */
export function openaiRoutes(gateway: Gateway): Hono<RouteEnv> {
  const isRight = (first: string): boolean => !isPrefix(first) && first !== 'deployments'
  return addV1Routes(gateway, new Hono<RouteEnv>().use(requireBase(gateway, isRight)))
}

/**
 * Creates the routes below `/openai`. `AzureOpenAI` clients use them with an `api-version`, the Vercel AI SDK without.
 * Deployments are forwarded there. Everything else, including the responses of a deployment, exists only in the v1 API
 * and is forwarded to the v1 path.
 */
export function datedRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
    .use(requireBase(gateway, (first) => !isPrefix(first)))
    .all('/deployments/*', (c) => forwardTo(gateway, c, deploymentTarget(partsOf(c))))
  return addV1Routes(gateway, routes)
}

/** Adds the routes of the v1 API. */
function addV1Routes(gateway: Gateway, routes: Hono<RouteEnv>): Hono<RouteEnv> {
  return routes
    .route('/files', filesApiRoutes(gateway))
    .get('/responses', (c) => answerResponses(gateway, c))
    .all('*', (c) => forwardTo(gateway, c, v1Target(c)))
}

/** Accepts a WebSocket, or forwards a plain request. */
async function answerResponses(gateway: Gateway, c: RouteContext): Promise<Response> {
  return upgradeToSocket(gateway, c) ?? forwardTo(gateway, c, v1Target(c))
}

/** Accepts a WebSocket. `undefined` when the request does not ask for one or the runtime does not support them. */
function upgradeToSocket(gateway: Gateway, c: RouteContext): Response | undefined {
  if (!/^websocket$/i.test(c.req.header('upgrade') ?? '')) return undefined
  if (isForeignPage(gateway, c)) throw foreignPage()
  const { upgrade } = (c.env ?? {}) as UpgradeBindings
  // Copied, since in Deno the headers can no longer be read after the upgrade.
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

/**
 * Whether a page of another origin asks for a WebSocket without a key. Browsers let any page open a socket and read it,
 * since CORS does not apply.
 *
 * @see https://datatracker.ietf.org/doc/html/rfc6455#section-10.2
 */
function isForeignPage({ owners, links, sockets }: Gateway, c: RouteContext): boolean {
  const origin = c.req.header('origin')
  if (origin === undefined || owners.knowsCallers) return false
  if (sockets.origins.some((allowed) => allowed === '*' || allowed === origin)) return false
  const own = [c.req.url, links.publicUrl].map((url) => new URL(url).host)
  return !URL.canParse(origin) || !own.includes(new URL(origin).host)
}

/** The error for a WebSocket of a page of another origin. */
function foreignPage(): CfileError {
  return new CfileError('invalid_request', 'Pages of other origins may not open a WebSocket.', {
    hint: 'Name the origin of the page in CFILE_CORS_ORIGINS, or require keys of callers.',
  })
}

/** Whether the first segment belongs to a base URL or is missing, so that the client uses a wrong base URL. */
function isPrefix(first: string): boolean {
  return ['', 'openai', 'v1', 'api'].includes(first)
}

/**
 * Creates a middleware that throws `not_found` for a wrong base URL. The hint names the right one.
 *
 * @param isRight whether the first segment below the base path can belong to the API
 */
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

/** Path and query below the base path of the routes, as the client wrote them. */
interface Parts {
  readonly path: string
  /** Query with its `?`, or empty. */
  readonly search: string
}

/** Splits off the base path of the routes. */
function partsOf(c: RouteContext): Parts {
  const { pathname, search } = new URL(c.req.url)
  // Counted in segments, since the router decodes the parameters of the base path.
  const depth = baseRouteOf(c)
    .replace(/\/\*?$/, '')
    .split('/').length
  const below = pathname.split('/').slice(depth)
  return { path: below.map((segment) => `/${segment}`).join(''), search }
}

/** Target of a request in the upstream. */
interface Target extends Parts {
  readonly below: 'v1' | 'root'
  /** Model to add to a body that names none. */
  readonly model?: string
}

/** Target below `/openai/v1`. */
function v1Target(c: RouteContext): Target {
  const { path, search } = partsOf(c)
  return { path, search: withoutDate(search), below: 'v1' }
}

// Only these accept a `model`. Other paths name a response that exists already.
const makers = ['/responses', '/responses/compact', '/responses/input_tokens']

/** Target of a deployment path. Responses go to the v1 path, all else stays below `/openai`. */
function deploymentTarget({ path, search }: Parts): Target {
  const [, deployment, rest] = /^\/deployments\/([^/]+)(\/responses(?:\/.*)?)$/.exec(path) ?? []
  if (deployment === undefined || rest === undefined) return { path, search, below: 'root' }
  const model = makers.includes(rest) ? decodeOnce(deployment) : undefined
  return { path: rest, search: withoutDate(search), below: 'v1', model }
}

// The API has no other methods, but a server behind the gateway might.
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/**
 * Forwards a request to its target.
 *
 * @param target path and query for the upstream
 * @throws CfileError `method_not_allowed`
 */
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

/**
 * Removes a dated `api-version`, which the v1 API refuses. All other parameters stay unchanged.
 *
 * @param search query with its `?`, or empty
 */
function withoutDate(search: string): string {
  const kept = search
    .slice(1)
    .split('&')
    .filter((parameter) => !/^api-version=\d/i.test(parameter))
    .join('&')
  return kept === '' ? '' : `?${kept}`
}

// All other ids below /files belong to the upstream's Files API and are forwarded.
const one = '/:file_id{cfile[_-][A-Za-z0-9_-]+}'

/** Creates the routes for container files below `/files` of the OpenAI API. */
function filesApiRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  addPath(routes, one, {
    GET: async (c) =>
      c.json(await describeFile(gateway, c.get('caller'), namedFile(c).file, c.req.raw.signal)),
    DELETE: async (c) => {
      const { file } = namedFile(c)
      await deleteFile(gateway, c.get('caller'), file, c.req.raw.signal)
      return c.json({ id: file.id, object: 'file', deleted: true })
    },
  })
  addPath(routes, `${one}/content`, {
    GET: async (c) => {
      const { file, disposition } = namedFile(c)
      const location = await locateForFilesApi(gateway, c.get('caller'), file)
      return deliverToCaller(gateway, c, location, disposition)
    },
  })
  return routes
}

/** The file that a request asks for, and how. */
function namedFile(c: RouteContext): Pick<FileQuery, 'disposition'> & { readonly file: NamedFile } {
  const { container_id: containerId, disposition } = readQuery(c, fileQuery)
  const id = c.req.param('file_id') ?? ''
  return { file: { id, kind: 'container_file', containerId }, disposition }
}

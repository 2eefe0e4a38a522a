/**
 * `/openapi.json`, `/docs` and `/`: descriptions of the routes, for programs and for people.
 *
 * @module
 */

import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { prefersHtml } from '../core/http/content-type.ts'
import { version } from '../core/observe/version.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { pageHeaders } from '../page/frame.ts'
import { docsPage, homePage, type ListedRoute } from '../page/home.ts'
import type { RouteEnv } from './request.ts'

/** The fields of a route of the OpenAPI document that the list of routes shows. */
interface DocumentedRoute {
  readonly summary: string
  readonly parameters: readonly {
    readonly name?: string
    readonly in?: string
    readonly $ref?: string
  }[]
}

/** Reads the OpenAPI document. It is loaded on demand: 45 KB that most processes never need. */
async function readDocument() {
  const { default: document } = await import('./openapi.json', { with: { type: 'json' } })
  return document
}

/** Lists the routes of the OpenAPI document. HEAD is left out, since it follows from GET. */
async function listRoutes(): Promise<readonly ListedRoute[]> {
  const { paths }: { paths: Record<string, Record<string, DocumentedRoute>> } = await readDocument()
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => method !== 'head')
      .map(([method, { summary, parameters }]) => ({
        method: method.toUpperCase(),
        path,
        query: parameters.flatMap((one) => (one.in === 'query' ? (one.name ?? []) : [])),
        summary,
      })),
  )
}

const about: Readonly<Record<'name' | 'version' | 'description', string>> = {
  name: 'cfile',
  version,
  description:
    "Serves the files that Azure OpenAI's code interpreter writes. SDKs take openai/v1 as their base URL; docs and openapi.json list the rest.",
}

/**
 * Answers `GET /`: a page for browsers, JSON for other clients.
 *
 * @param nonce nonce of the page's style sheet
 */
export function answerRoot(
  c: Context,
  { links: { publicUrl }, upstreams }: Pick<Gateway, 'links' | 'upstreams'>,
  nonce: string,
): Response | Promise<Response> {
  if (!prefersHtml(c.req.header('accept'))) return c.json(about, 200, { vary: 'accept' })
  const isEmulated = upstreams.some((upstream) => upstream.isEmulator)
  return c.html(homePage({ version, publicUrl, isEmulated, nonce }), 200, pageHeaders(nonce))
}

/** Creates the route at `/openapi.json`. */
export function openapiRoutes(): Hono<RouteEnv> {
  return new Hono<RouteEnv>().get('/', async (c) => {
    const document = await readDocument()
    return c.json({ ...document, info: { ...document.info, version } })
  })
}

/**
 * Answers `/docs` and the files below it. `undefined` if there is no viewer, so that the list of routes is shown.
 *
 * @param file name of the file, empty for the page
 * @param nonce lets the scripts of the page pass its Content-Security-Policy
 */
export type AnswerDocs = (file: string, nonce: string) => Promise<Response | undefined>

/** Creates the routes at `/docs`: the viewer of the runtime, or else a list of the routes. */
export function docsRoutes(answerDocs?: AnswerDocs): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>().get('/', async (c) => {
    const nonce = c.get('requestId')
    const viewer = await answerDocs?.('', nonce)
    if (viewer !== undefined) return viewer
    return c.html(docsPage({ about, routes: await listRoutes(), nonce }), 200, pageHeaders(nonce))
  })
  if (answerDocs === undefined) return routes
  return routes.get('/:file', async (c, next) => {
    const answer = await answerDocs(c.req.param('file'), c.get('requestId'))
    return answer ?? next()
  })
}

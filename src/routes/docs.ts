/**
 * `/openapi.json`, `/docs` and `/`: descriptions of the routes, for programs and for people. `listOperations` lists all routes.
 *
 * @module
 */

import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { prefersHtml } from '../core/http/content-type.ts'
import { version } from '../core/observe/version.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { pageHeaders } from '../page/frame.ts'
import { docsPage, homePage } from '../page/home.ts'
import type { RouteEnv } from './request.ts'

/** Kind of a successful answer. */
export type AnswerKind = 'file' | 'zip' | 'page' | 'files' | 'link' | 'object' | 'text'

/** One method of one route. */
export interface Operation {
  readonly method: string
  /** Path with its parameters in braces. */
  readonly path: string
  readonly query: readonly string[]
  readonly answer: AnswerKind
  readonly summary: string
}

// The letter before the kind of answer says who may call: everybody (o; on /s the token grants access), or a caller (c).
const table = `
GET /s/{token} o file Serves what a signed link grants: a file, a page or a zip
GET /s/{token}/{name} o file The same; the name is for people and is ignored
GET /files/{file_id} ?container_id ?disposition c file Downloads a file by its id alone
DELETE /files/{file_id} ?upstream c object Erases the copy and the record; with upstream=1 also the container file at Azure
GET /containers/{container_id} c page Shows the page of a container: names, sizes, previews
GET /containers/{container_id}/files ?all c files Lists the files that the code interpreter wrote
GET /containers/{container_id}/files.zip c zip Downloads all of them as one zip
GET /containers/{container_id}/files/{file_id} ?disposition c file Downloads a file of the named container
GET /containers/{container_id}/path/{path} ?disposition c file Downloads the file at /mnt/data/{path}
POST /containers/{container_id}/restore c object Creates a new container with the archived files of an expired one
POST /captures c files Records what the posted answer cites, or the response with the posted {"response_id"}
POST /links c link Signs a link to a file, a page or a zip
DELETE /owners/{owner} ?upstream c object Erases everything of an owner, with upstream=1 also at Azure; admins only
GET /healthz o object Whether the process answers
GET /readyz o object Whether the process can serve requests
GET /metrics o text Counters for Prometheus
GET /openapi.json o object This description as an OpenAPI document
GET /docs o page This description as a page
GET / o object Name and version of the gateway, and where its documentation is
`

/** Who may call: `o` everybody, `c` a caller. */
export type Asker = 'o' | 'c'

/** Lists all operations except those of the OpenAI API, which has its own OpenAPI document. */
export function listOperations(): readonly (Operation & { readonly asker: Asker })[] {
  const lines = table.trim().split('\n')
  return lines.map((line) => {
    const [method = '', path = '', ...rest] = line.split(' ')
    const query = rest.filter((word) => word.startsWith('?')).map((word) => word.slice(1))
    const [asker, answer, ...summary] = rest.slice(query.length)
    return {
      method,
      path,
      query,
      asker: asker as Asker,
      answer: answer as AnswerKind,
      summary: summary.join(' '),
    }
  })
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
    // Loaded on demand: 50 KB that most processes never need.
    const { default: document } = await import('./openapi.json', { with: { type: 'json' } })
    return c.json({ ...document, info: { ...document.info, version } })
  })
}

/**
 * Answers `/docs` and the files below it. Resolves to undefined where the list of routes is to be shown instead.
 *
 * @param file name of the file, empty for the page
 * @param nonce lets the scripts of the page pass its Content-Security-Policy
 */
export type AnswerDocs = (file: string, nonce: string) => Promise<Response | undefined>

/** Creates the routes at `/docs`: the viewer of the runtime, else a list of the routes. */
export function docsRoutes(answerDocs?: AnswerDocs): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>().get('/', async (c) => {
    const nonce = c.get('requestId')
    const page = docsPage({ about, operations: listOperations(), nonce })
    return (await answerDocs?.('', nonce)) ?? c.html(page, 200, pageHeaders(nonce))
  })
  if (answerDocs === undefined) return routes
  return routes.get('/:file', async (c, next) => {
    const answer = await answerDocs(c.req.param('file'), c.get('requestId'))
    return answer ?? next()
  })
}

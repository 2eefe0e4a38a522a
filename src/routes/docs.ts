/**
 * `/openapi.json`, `/docs` and `/`: descriptions of the routes, for programs and for people. `operations` lists all routes.
 *
 * @module
 */

import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { toBase64 } from '../core/encoding.ts'
import { prefersHtml } from '../core/http/content-type.ts'
import { version } from '../core/version.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { pageHeaders } from '../page/frame.ts'
import { homePage } from '../page/home.ts'
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

/** All operations except those of the OpenAI API, which has its own OpenAPI document. */
export const operations: readonly (Operation & { readonly asker: Asker })[] = table
  .trim()
  .split('\n')
  .map((line) => {
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

/** Creates the route at `/docs`. */
export function docsRoutes(): Hono<RouteEnv> {
  return new Hono<RouteEnv>().get('/', async (c) =>
    c.html(page, 200, {
      'content-security-policy': `default-src 'none'; style-src 'sha256-${await hashOf(style)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    }),
  )
}

const style =
  'body{font:16px/1.5 system-ui;margin:3em auto;max-width:60em;padding:0 1em;color-scheme:light dark}td{padding:.3em 1em .3em 0;vertical-align:top}'

const rows = operations
  .map(
    ({ method, path, query, summary }) =>
      `<tr><td>${method}<td><code>${path}${query.map((name, index) => `<wbr>${index === 0 ? '?' : '&amp;'}${name}=`).join('')}</code><td>${summary}`,
  )
  .join('')

const page = `<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width"><title>cfile</title><style>${style}</style><h1>cfile ${version}</h1><p>${about.description}<table>${rows}</table><p>The OpenAI API is at <code>/openai/v1</code> and <code>/v1</code>. <a href=openapi.json>openapi.json</a> has all of this for programs.</html>`

/** SHA-256 of a text in base64, as a Content-Security-Policy names it. */
async function hashOf(content: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(content))
  return toBase64(new Uint8Array(digest))
}

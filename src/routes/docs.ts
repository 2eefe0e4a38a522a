/**
 * `/openapi.json`, `/docs` and `/`: descriptions of the routes, for programs and for people.
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
import { operations } from './operations.ts'
import type { RouteEnv } from './request.ts'

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

async function hashOf(content: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(content))
  return toBase64(new Uint8Array(digest))
}

/**
 * `/openapi.json`, `/docs` and `/`: what is served here, for programs and for people.
 *
 * @module
 */

import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { prefersHtml } from '../core/http/accept.ts'
import { version } from '../core/version.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { pageHeaders } from '../page/frame.ts'
import { homePage } from '../page/home.ts'
import { type Operation, operations } from './operations.ts'
import type { RouteEnv } from './request.ts'

const about: Readonly<Record<'name' | 'version' | 'description', string>> = {
  name: 'cfile',
  version,
  description:
    "Serves the files that Azure OpenAI's code interpreter writes. SDKs take openai/v1 as their base URL; docs and openapi.json list the rest.",
}

/** Answers at the root: a page for a browser, JSON for anything else. */
export function answerRoot(
  c: Context,
  { links: { publicUrl }, upstreams }: Pick<Gateway, 'links' | 'upstreams'>,
  nonce: string,
): Response | Promise<Response> {
  if (!prefersHtml(c.req.header('accept'))) return c.json(about, 200, { vary: 'accept' })
  const isEmulated = upstreams.some((upstream) => upstream.isEmulator)
  return c.html(homePage({ version, publicUrl, isEmulated, nonce }), 200, pageHeaders(nonce))
}

/** The route at `/openapi.json`. */
export function openapiRoutes(): Hono<RouteEnv> {
  return new Hono<RouteEnv>().get('/', (c) => c.json(describe()))
}

/** The route at `/docs`. */
export function docsRoutes(): Hono<RouteEnv> {
  return new Hono<RouteEnv>().get('/', async (c) =>
    c.html(page, 200, {
      'content-security-policy': `default-src 'none'; style-src 'sha256-${await hashOf(style)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    }),
  )
}

const text = { type: 'string' }
const time = { type: 'integer', description: 'Unix seconds.' }
const schema = (name: string) => ({ schema: { $ref: `#/components/schemas/${name}` } })
const binary = { schema: { type: 'string', format: 'binary' } }
const object = (properties: object, required?: readonly string[]) => ({
  type: 'object',
  properties,
  required,
})

const contents: Readonly<Record<Operation['answer'], object>> = {
  file: { '*/*': binary },
  zip: { 'application/zip': binary },
  page: { 'text/html': { schema: text } },
  files: { 'application/json': schema('Files') },
  link: { 'application/json': schema('Link') },
  object: { 'application/json': { schema: object({}) } },
  text: { 'text/plain': { schema: text } },
}

const link = { download_url: text, expires_at: time }
const schemas = {
  Files: object({
    files: {
      type: 'array',
      items: object({
        container_id: text,
        file_id: text,
        filename: text,
        path: text,
        bytes: { type: 'integer' },
        created_at: time,
        source: text,
        ...link,
      }),
    },
  }),
  Link: object(link),
  Error: object({
    error: object(
      {
        message: text,
        type: text,
        param: { type: ['string', 'null'] },
        code: text,
        hint: text,
        request_id: text,
        upstream: object({}),
      },
      ['message', 'code'],
    ),
  }),
}

/** An OpenAPI 3.1 document. */
function describe(): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of operations) {
    const { method, path, answer } = operation
    const methods: Record<string, object> = paths[path] ?? {}
    paths[path] = methods
    methods[method.toLowerCase()] = describeOperation(operation)
    if (method === 'GET' && answer === 'file') methods.head = describeOperation(operation)
  }
  const bearer = { type: 'http', scheme: 'bearer' }
  const key = { type: 'apiKey', in: 'header', name: 'api-key' }
  return {
    openapi: '3.1.0',
    info: { title: about.name, version, description: about.description },
    // Wherever the app is mounted, this document is beside the rest.
    servers: [{ url: '.' }],
    paths,
    components: { schemas, securitySchemes: { bearer, key } },
  }
}

function describeOperation({
  method,
  path,
  query,
  asker,
  answer,
  summary,
}: (typeof operations)[0]) {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
  const json = { 'application/json': { schema: object({}) } }
  return {
    summary,
    parameters: [
      ...names.map((name) => ({ name, in: 'path', required: true, schema: text })),
      ...query.map((name) => ({ name, in: 'query', schema: text })),
    ],
    requestBody: method === 'POST' ? { required: true, content: json } : undefined,
    responses: {
      200: { description: summary, content: contents[answer] },
      default: { description: 'An error', content: { 'application/json': schema('Error') } },
    },
    security: asker === 'o' ? [] : [{ bearer: [] }, { key: [] }],
  }
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
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
}

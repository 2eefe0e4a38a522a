/**
 * Writes `src/routes/openapi.json` from the table of routes, the schemas that check the requests, and the error codes.
 * Run it by `npm run openapi`. It is written in advance because its code would add 7 KB to a Worker.
 *
 * @module
 */

import { writeFileSync } from 'node:fs'
import * as z from 'zod/mini'
import { type ErrorCode, errorStatuses } from '../src/core/errors.ts'
import {
  containerLinkBody,
  dispositionQuery,
  eraseQuery,
  type Fields,
  fileLinkBody,
  fileQuery,
  listQuery,
  responseIdBody,
  webhookEvent,
} from '../src/routes/schemas.ts'
import { answers, contentOf, type Json, reference } from './answers.ts'
import { type Route, routes } from './routes.ts'

const toJsonSchema = (schema: z.ZodMiniType): Json => {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return rest
}

const queries: Readonly<Record<string, () => Fields<unknown>>> = {
  'GET /files/{file_id}': fileQuery,
  'GET /openai/v1/files/{file_id}/content': fileQuery,
  'GET /containers/{container_id}/files/{file_id}': dispositionQuery,
  'GET /containers/{container_id}/path/{path}': dispositionQuery,
  'GET /containers/{container_id}/files': listQuery,
  'DELETE /files/{file_id}': eraseQuery,
  'DELETE /owners/{owner}': eraseQuery,
}

const bodies: Readonly<Record<string, Json>> = {
  'POST /links': {
    'application/json': {
      schema: { anyOf: [fileLinkBody(), containerLinkBody()].map(toJsonSchema) },
    },
  },
  'POST /captures': {
    'application/json': {
      schema: {
        anyOf: [
          toJsonSchema(responseIdBody()),
          {
            type: 'object',
            description: 'A Responses object, or one shaped like Chat Completions.',
          },
        ],
      },
    },
    'text/event-stream': { schema: { type: 'string' } },
  },
  'POST /webhooks': { 'application/json': { schema: toJsonSchema(webhookEvent()) } },
}

const conditionHeaders: readonly string[] = ['Range', 'If-Range', 'If-None-Match', 'If-Match']

function parametersOf(operation: Route): Json[] {
  const { method, path } = operation
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
  const { properties = {} } = toJsonSchema(queries[`${method} ${path}`]?.() ?? z.object({}))
  const query = Object.entries(properties as Json).map(([name, schema]) => ({
    name,
    in: 'query',
    schema,
  }))
  const conditions = isDownload(operation) ? conditionHeaders : []
  const signed =
    path === '/webhooks' ? ['webhook-id', 'webhook-timestamp', 'webhook-signature'] : []
  const string = { type: 'string' }
  return [
    ...names.map((name) => ({ name, in: 'path', required: true, schema: string })),
    ...query,
    ...conditions.map((name) => ({ $ref: `#/components/parameters/${name}` })),
    ...signed.map((name) => ({ name, in: 'header', required: true, schema: string })),
  ]
}

function isDownload({ method, path }: Route): boolean {
  const isFile = /^\/(?:s|files|containers\/\{\w+\}\/(?:files|path))\/|\/content$/.test(path)
  return isFile && method === 'GET'
}

/** The codes that a route may answer with. */
function codesOf(operation: Route): ErrorCode[] {
  const { path, access, method } = operation
  const codes: ErrorCode[] = ['method_not_allowed', 'internal_error', 'not_ready']
  if (access === 'caller')
    codes.push('unauthorized', 'rate_limited', 'invalid_request', 'not_found')
  if (path.startsWith('/s/')) codes.push('signature_invalid', 'link_expired')
  if (path === '/webhooks') codes.push('signature_invalid', 'invalid_request', 'not_found')
  const touchesAzure = /files|containers|\/s\/|captures|owners/.test(path)
  if (touchesAzure) {
    codes.push('invalid_id', 'file_not_found', 'container_not_found', 'container_expired')
    codes.push('upstream_auth', 'upstream_invalid', 'upstream_error', 'upstream_throttled')
    codes.push('upstream_timeout', 'file_too_large')
  }
  if (/^\/files\/|^\/s\//.test(path)) codes.push('container_unknown')
  if (method === 'POST') codes.push('payload_too_large')
  if (isDownload(operation)) codes.push('range_not_satisfiable', 'precondition_failed')
  return codes
}

/** Responses that several routes share, by their names in the document. */
const sharedResponses = new Map<string, Json>()

function share(name: string, response: Json): Json {
  sharedResponses.set(name, response)
  return { $ref: `#/components/responses/${name}` }
}

function errorsOf(operation: Route): Json {
  const codes = codesOf(operation)
  const statuses = [...new Set(codes.map((code) => errorStatuses[code]))].sort()
  const entries = statuses.map((status) => {
    const description = codes.filter((code) => errorStatuses[code] === status).join(', ')
    const headers = references([...(errorHeaders[status] ?? []), ...everyAnswer])
    return [
      status,
      shareError(status, { description, headers, content: reference('Error') }),
    ] as const
  })
  return Object.fromEntries(entries)
}

function shareError(status: number, response: Json): Json {
  const errors = [...sharedResponses].filter(([name]) => name.startsWith(`Error${status}`))
  const same = errors.find(([, { description }]) => description === response.description)
  const next = `Error${status}${errors.length === 0 ? '' : `_${errors.length + 1}`}`
  return share(same?.[0] ?? next, response)
}

/** The answers of a route that succeed. */
function successesOf(operation: Route): Json {
  const content = contentOf(operation)
  if (isDownload(operation)) {
    const headers = [...fileHeaders, ...everyAnswer]
    const part = references(['Content-Range', ...headers])
    return {
      200: share('File', { description: 'The file', headers: references(headers), content }),
      206: share('FilePart', { description: 'A part of the file', headers: part, content }),
      304: share('NotModified', {
        description: 'Not modified',
        headers: references(['ETag', ...everyAnswer]),
      }),
    }
  }
  const headers = [...(operation.answer === 'zip' ? zipHeaders : []), ...everyAnswer]
  return { 200: { description: operation.summary, headers: references(headers), content } }
}

const headerTypes: Readonly<Record<string, string>> = {
  'Content-Disposition': 'string',
  'Content-Length': 'integer',
  'Content-Range': 'string',
  'Accept-Ranges': 'string',
  ETag: 'string',
  'Repr-Digest': 'string',
  'Cache-Control': 'string',
  'X-Content-Type-Options': 'string',
  'Content-Security-Policy': 'string',
  'Cross-Origin-Resource-Policy': 'string',
  'Referrer-Policy': 'string',
  'Server-Timing': 'string',
  'apim-request-id': 'string',
  Allow: 'string',
  'Retry-After': 'integer',
  'x-request-id': 'string',
  'x-cfile-emulator': 'string',
}

const references = (names: readonly string[]): Json =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))

const everyAnswer = ['x-request-id', 'x-cfile-emulator']
const zipHeaders = [
  'Content-Disposition',
  'Content-Length',
  'Cache-Control',
  'X-Content-Type-Options',
  'Content-Security-Policy',
  'Cross-Origin-Resource-Policy',
  'Referrer-Policy',
]
const fileHeaders = [
  ...zipHeaders,
  'Accept-Ranges',
  'ETag',
  'Repr-Digest',
  'Server-Timing',
  'apim-request-id',
]

/** Headers of error answers, by status. */
const errorHeaders: Readonly<Record<number, readonly string[]>> = {
  405: ['Allow'],
  416: ['Content-Range'],
  429: ['Retry-After'],
  503: ['Retry-After'],
}

/** Groups of routes in viewers of the document, each with the beginnings of its paths. */
const tags: Readonly<Record<string, RegExp>> = {
  'Signed links': /^\/(?:s|links)\b/,
  Files: /^\/files\b/,
  Containers: /^\/containers\b/,
  Recording: /^\/(?:captures|webhooks)\b/,
  'Files API': /^\/openai\b/,
  Server: /^\//,
}

function tagOf(path: string): string | undefined {
  return Object.keys(tags).find((tag) => tags[tag]?.test(path))
}

function describe(operation: Route): Json {
  const { method, path, access, summary } = operation
  const content = bodies[`${method} ${path}`]
  return {
    operationId: `${method.toLowerCase()}${path.replace(/\W+(\w)?/g, (_, next = '') => next.toUpperCase())}`,
    tags: [tagOf(path)],
    summary,
    parameters: parametersOf(operation),
    ...(content && { requestBody: { required: true, content } }),
    responses: { ...successesOf(operation), ...errorsOf(operation) },
    security: access === 'open' ? [] : [{ bearer: [] }, { key: [] }],
  }
}

/** The routes by path and method. A download has HEAD beside GET. */
function describePaths(): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const operation of routes) {
    const { method, path } = operation
    const methods = paths[path] ?? {}
    paths[path] = methods
    methods[method.toLowerCase()] = describe(operation)
    if (isDownload(operation)) {
      const { operationId, ...head } = describe(operation)
      methods.head = { operationId: `head${String(operationId).slice(3)}`, ...head }
    }
  }
  return paths
}

/** Creates the OpenAPI 3.1 document, without the version of the program. */
export function createDocument(): Json {
  const paths = describePaths()
  const schemas = Object.entries(answers).map(([name, schema]) => [name, toJsonSchema(schema)])
  return {
    openapi: '3.1.0',
    info: {
      title: 'cfile',
      version: '',
      description:
        "Serves the files that Azure OpenAI's code interpreter writes. SDKs use /openai/v1 or /v1 as their base URL; every path of the OpenAI API passes through there.",
    },
    // Relative to the URL of this document, so it is right under any mount point.
    servers: [{ url: '.' }],
    tags: Object.keys(tags).map((name) => ({ name })),
    paths,
    components: {
      schemas: Object.fromEntries(schemas),
      responses: Object.fromEntries(sharedResponses),
      parameters: Object.fromEntries(
        conditionHeaders.map((name) => [name, { name, in: 'header', schema: { type: 'string' } }]),
      ),
      headers: Object.fromEntries(
        Object.entries(headerTypes).map(([name, type]) => [name, { schema: { type } }]),
      ),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        key: { type: 'apiKey', in: 'header', name: 'api-key' },
      },
    },
  }
}

if (import.meta.main) {
  const path = new URL('../src/routes/openapi.json', import.meta.url)
  writeFileSync(path, `${JSON.stringify(createDocument())}\n`)
}

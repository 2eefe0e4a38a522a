/**
 * Functions of all routes: they read the parameters and the body of a request, and add paths. Bodies are bounded.
 *
 * @module
 */

import type { Context, Hono } from 'hono'
import * as z from 'zod/mini'
import { duplicateKey } from '../core/api/names/naming-keys.ts'
import { bodyTooLarge, CfileError } from '../core/errors.ts'
import { parseJson, readBounded } from '../core/http/body.ts'
import { parseContainerId } from '../core/ids.ts'
import { scanJson } from '../core/json/scan.ts'
import { largeJson, setAside } from '../core/json/set-aside.ts'
import { isObject, jsonTextAt } from '../core/json/value.ts'
import type { Grant } from '../core/links/grant.ts'
import { inTurns } from '../core/time.ts'
import type { ListQuery } from '../gateway/containers/listing.ts'
import type { Exchange } from '../gateway/exchange.ts'
import type { Caller, Gateway } from '../gateway/gateway.ts'
import type { Fields } from './schemas.ts'

/** The variables that the app sets before a route runs. */
export interface RouteEnv {
  readonly Variables: {
    readonly requestId: string
    readonly caller: Caller
    readonly exchange: Exchange
    /** Whether people may follow links to the route, so that errors are pages. */
    readonly hasPages?: boolean
    /** The grant of the signed link; on `/s` only. */
    readonly grant?: Grant
  }
}

/** The context of a request in the routes. */
export type RouteContext = Context<RouteEnv>

/**
 * Returns the pattern of the base path below which the route of a request is mounted, such as `/ai/files`.
 *
 * It is read from the request, because the functions of `hono/route` fail if the host app has another copy of Hono.
 */
export function baseRouteOf({ req }: RouteContext): string {
  return req.matchedRoutes[req.routeIndex]?.basePath ?? ''
}

/**
 * Reads the query by a schema. Parameters that the schema does not name are ignored.
 *
 * @param schema the parameters; the message of each field says what the field takes
 * @throws CfileError `invalid_request` for a wrong value and for a parameter that is given twice
 */
export function readQuery<T>(c: RouteContext, schema: () => Fields<T>): T {
  const query: Record<string, string> = {}
  // Most requests have no query, and each of the following calls would search the URL.
  const names = c.req.url.includes('?') ? Object.keys(schema().shape) : []
  for (const name of names) {
    const values = c.req.queries(name) ?? []
    if (values.length > 1) throw givenTwice(name, values.length)
    if (values[0] !== undefined) query[name] = values[0]
  }
  const { success, data, error } = z.safeParse<z.ZodMiniType<T>>(schema(), query)
  if (success) return data
  const [issue] = error.issues
  const param = String(issue?.path[0])
  throw new CfileError('invalid_request', `The parameter ${param} takes ${issue?.message}.`, {
    param,
  })
}

/** The error for a parameter that is given more than once, of which parsers would choose different values. */
function givenTwice(param: string, times: number): CfileError {
  const message = `The parameter ${param} is given ${times} times; give it once.`
  return new CfileError('invalid_request', message, { param })
}

/** The container that a caller's request names. */
export function readContainer(c: RouteContext): ListQuery {
  const containerId = parseContainerId(c.req.param('container_id') ?? '')
  return { containerId, isGranted: false, signal: c.req.raw.signal }
}

/** Returns the method of a read request. */
export function readMethod({ req }: RouteContext): 'GET' | 'HEAD' {
  return req.method === 'HEAD' ? 'HEAD' : 'GET'
}

/** Answers one method of a path. */
type Handler = (c: RouteContext) => Response | Promise<Response>

/**
 * Adds a path to the routes of a family. Methods without a handler are answered with 405.
 *
 * @param path pattern of Hono, such as `/:file_id`
 * @param handlers by method; `GET` answers `HEAD` too
 */
export function addPath(
  routes: Hono<RouteEnv>,
  path: string,
  handlers: { readonly [Method in 'GET' | 'POST' | 'DELETE']?: Handler },
): void {
  const methods = Object.entries(handlers)
  for (const [method, handler] of methods) routes.on(method, path, handler)
  const allowed = methods.map(([method]) => (method === 'GET' ? 'GET, HEAD' : method))
  routes.all(path, methodNotAllowed(allowed.join(', ')))
}

/**
 * Creates the handler for all other methods of a path: 405 with the allowed methods.
 *
 * @param allow allowed methods, as in the header `Allow`
 */
export function methodNotAllowed(allow: string): (c: RouteContext) => never {
  return (c) => {
    throw wrongMethod(c.req.method, allow)
  }
}

/**
 * Creates the error for a path without a route. Its hint names the right base URL, since a wrong one is the usual
 * cause.
 *
 * @param publicUrl the base of every link, without a trailing slash
 */
export function nothingServed(publicUrl: string): CfileError {
  return new CfileError('not_found', 'Nothing is served at this path.', {
    hint: `The base URL of OpenAI clients is ${publicUrl}/openai/v1, and the endpoint of AzureOpenAI clients, which add an api-version, ${publicUrl}. ${publicUrl}/docs lists every route.`,
  })
}

/**
 * Creates the error for a wrong method. It names the allowed methods.
 *
 * @param allow allowed methods, as in the header `Allow`
 */
export function wrongMethod(method: string, allow: string): CfileError {
  return new CfileError('method_not_allowed', `${method} is not served here, only ${allow}.`, {
    headers: { allow },
  })
}

/**
 * Reads a request's body.
 *
 * @returns the bytes; none for a request without a body
 * @throws CfileError `payload_too_large`
 */
export async function readBody(gateway: Gateway, c: RouteContext): Promise<Uint8Array> {
  const { whole } = await readBounded(c.req.raw.body, gateway.bounds.maxBodyBytes)
  if (whole !== undefined) return whole
  throw bodyTooLarge(gateway.bounds.maxBodyBytes)
}

/**
 * Parses a JSON object. A key that occurs twice in one object is refused, since parsers would choose different values.
 *
 * @param expected description of the expected body, for the message
 * @throws CfileError `invalid_request`; `payload_too_large`
 */
export async function parseObject(
  { runtime: { wait } }: Gateway,
  bytes: Uint8Array,
  expected: string,
): Promise<Readonly<Record<string, unknown>>> {
  const whole = { start: 0, end: bytes.length }
  const aside =
    bytes.length < largeJson ? undefined : await inTurns(wait, setAside(bytes, whole, 'aside'))
  if (aside?.isDense === true) throw tooDense()
  const value = parseJson(aside?.bytes ?? bytes)
  if (!isObject(value)) {
    throw new CfileError('invalid_request', `The body is not a JSON object; post ${expected}.`)
  }
  await inTurns(wait, refuseDoubledKeys(bytes))
  return value
}

/** @throws CfileError `invalid_request` for a key that occurs twice in one object, and for a byte order mark */
function* refuseDoubledKeys(bytes: Uint8Array): Generator<undefined, void> {
  // One set of keys for each open object.
  const seen: (Set<string> | undefined)[] = []
  yield* scanJson(bytes, {
    key(start, end) {
      const depth = seen.length - 1
      const key = jsonTextAt(bytes, start, end) ?? ''
      const keys = seen[depth] ?? new Set()
      if (keys.has(key)) throw duplicateKey(key)
      seen[depth] = keys.add(key)
    },
    scalar() {},
    open: () => void seen.push(undefined),
    close: () => void seen.pop(),
  })
}

/**
 * Checks an object by a schema. Fields that the schema does not have are refused.
 *
 * @param expected description of the expected body, for the message
 * @throws CfileError `invalid_request`; `invalid_id` for an id that is wrong or missing
 */
export function checkBody<T>(
  schema: () => Fields<T>,
  fields: Readonly<Record<string, unknown>>,
  expected: string,
): T {
  // Not by a strict schema, since zod ignores a key `__proto__`.
  const unknown = Object.keys(fields).find((name) => !Object.hasOwn(schema().shape, name))
  if (unknown !== undefined) {
    throw new CfileError('invalid_request', `A field is not known here; post ${expected}.`, {
      param: unknown.slice(0, 64),
    })
  }
  const { success, data, error } = z.safeParse<z.ZodMiniType<T>>(schema(), fields)
  if (success) return data
  const [issue] = error.issues
  const param = String(issue?.path[0])
  if (fields[param] !== undefined) {
    throw new CfileError('invalid_request', `${param} takes ${issue?.message}.`, { param })
  }
  const code = param.endsWith('_id') ? 'invalid_id' : 'invalid_request'
  throw new CfileError(code, `${param} is missing; post ${expected}.`, { param })
}

/** The error for a body of an allowed size whose values would take too much memory. */
function tooDense(): CfileError {
  return new CfileError('payload_too_large', 'The body holds too many values to be read.', {
    hint: 'Post the answer alone, as the upstream gave it, or name it by its response_id.',
  })
}

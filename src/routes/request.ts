/**
 * What every route shares: the variables of a request, and the reading of its parameters.
 *
 * @module
 */

import type { Context } from 'hono'
import { CfileError } from '../core/errors.ts'
import { parseContainerId } from '../core/ids.ts'
import type { Grant } from '../core/links/grant.ts'
import type { ListQuery } from '../gateway/containers/listing.ts'
import type { Exchange } from '../gateway/exchange.ts'
import type { Caller } from '../gateway/gateway.ts'

/** The variables that the app sets before a route runs. */
export interface RouteEnv {
  readonly Variables: {
    readonly requestId: string
    readonly caller: Caller
    readonly exchange: Exchange
    /** What the signed link of the request grants; on `/s` only. */
    readonly grant?: Grant
  }
}

/** A request on its way through the routes. */
export type RouteContext = Context<RouteEnv>

/**
 * The one value of a query parameter, or `undefined`.
 *
 * @throws CfileError `invalid_request` where it is given twice
 */
export function queryOnce(c: RouteContext, name: string): string | undefined {
  const values = c.req.queries(name) ?? []
  if (values.length < 2) return values[0]
  throw new CfileError(
    'invalid_request',
    `The parameter ${name} is given ${values.length} times; give it once.`,
    {
      param: name,
    },
  )
}

/** The container that a caller's request names. */
export function readContainer(c: RouteContext): ListQuery {
  const containerId = parseContainerId(c.req.param('container_id') ?? '')
  return { containerId, isGranted: false, signal: c.req.raw.signal }
}

/** The method of a request that reads. */
export function readMethod({ req }: RouteContext): 'GET' | 'HEAD' {
  return req.method === 'HEAD' ? 'HEAD' : 'GET'
}

/** Answers every other method on a path: 405, and the methods that there are. */
export function methodNotAllowed(allow: string): (c: RouteContext) => never {
  return (c) => {
    throw wrongMethod(c.req.method, allow)
  }
}

/**
 * The answer where no route is. Most who see it have set a wrong base URL.
 *
 * @param publicUrl the base of every link, without a slash at its end
 */
export function nothingServed(publicUrl: string): CfileError {
  return new CfileError('not_found', 'Nothing is served at this path.', {
    hint: `The base URL of OpenAI clients is ${publicUrl}/openai/v1, and the endpoint of AzureOpenAI clients, which add an api-version, ${publicUrl}. ${publicUrl}/docs lists every route.`,
  })
}

/** What tells of a method that a path does not have, and of those that it has. */
export function wrongMethod(method: string, allow: string): CfileError {
  return new CfileError('method_not_allowed', `${method} is not served here, only ${allow}.`, {
    headers: { allow },
  })
}

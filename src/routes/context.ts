/**
 * What every route shares: the variables of a request, and the reading of its parameters.
 *
 * @module
 */

import type { Context } from 'hono'
import { CfileError } from '../core/errors.ts'
import type { Grant } from '../core/grant.ts'
import { parseContainerId } from '../core/ids.ts'
import type { ListQuery } from '../gateway/files.ts'
import type { Caller } from '../gateway/gateway.ts'

/** The variables that the app sets before a route runs. */
export interface RouteEnv {
  readonly Variables: {
    readonly requestId: string
    readonly caller: Caller
    /** What the signed link of the request grants; absent for a request without one. */
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

/** The container that a request names, and how it is asked for. */
export function readContainer(c: RouteContext): ListQuery {
  const grant = c.get('grant')
  return {
    containerId: parseContainerId(c.req.param('container_id') ?? ''),
    upstream: grant?.upstream,
    isGranted: grant !== undefined,
    signal: c.req.raw.signal,
  }
}

/** Answers every other method on a path: 405, and the methods that there are. */
export function methodNotAllowed(allow: string): (c: RouteContext) => never {
  return (c) => {
    throw wrongMethod(c.req.method, allow)
  }
}

/** What tells of a method that a path does not have, and of those that it has. */
export function wrongMethod(method: string, allow: string): CfileError {
  return new CfileError('method_not_allowed', `${method} is not served here, only ${allow}.`, {
    headers: { allow },
  })
}

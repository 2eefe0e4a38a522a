/**
 * Chooses the upstreams for a request. The things that it names decide; only requests that name nothing are balanced.
 *
 * A thing lives in the upstream that made it. Its record says which that is, so a request with a known id has exactly
 * one upstream, and no other is asked when that one is down.
 *
 * @module
 */

import { type Names, namedKinds } from '../../core/api/names/named-ids.ts'
import type { Operation } from '../../core/api/operations.ts'
import { CfileError } from '../../core/errors.ts'
import type { Caller, Gateway, Upstream } from '../gateway.ts'
import { findHeld } from '../owners/access.ts'

/** Upstreams that may get a request. */
export interface Route {
  /** In the order in which they are tried. */
  readonly upstreams: readonly Upstream[]
  /** `known`: it names something with a record. `unknown`: it names only things without one. `free`: it names nothing. */
  readonly reason: 'known' | 'unknown' | 'free'
}

/** Facts of a request that decide its route. */
export interface RouteFacts {
  readonly method: string
  readonly operation: Operation
  readonly names: Names
  /** `model` of the body, or the deployment of the path. */
  readonly model?: unknown
  /** Whether the request's body can be sent a second time. */
  readonly canRepeat: boolean
}

/**
 * Finds the upstreams for a request. A request that names nothing is balanced when it generates an answer. When it
 * creates something else it goes to the default upstream first, so that files that are used together live together.
 *
 * @throws CfileError `invalid_request` when it names things of two upstreams
 */
export async function findRoute(
  gateway: Gateway,
  caller: Caller,
  facts: RouteFacts,
): Promise<Route> {
  const { method, operation, names, model, canRepeat } = facts
  const { reason, upstreams } = await routeByNames(gateway, caller, names)
  if (reason === 'known') return { reason, upstreams }
  const isReading = method === 'GET' || method === 'HEAD'
  const able = upstreamsForModel(gateway, model)
  if (reason === 'unknown') {
    // The thing may live in any upstream. Only reads are tried on all of them.
    return { reason, upstreams: isReading ? upstreams : [gateway.upstreams[0]] }
  }
  if (operation.shows === 'list') return { reason, upstreams: [gateway.upstreams[0]] }
  const ordered = operation.generates ? gateway.balance.order(able) : upstreams
  const mayRepeat = isReading || (method === 'POST' && canRepeat)
  return { reason, upstreams: mayRepeat ? ordered : ordered.slice(0, 1) }
}

/**
 * Finds the upstream that holds the named things.
 *
 * @throws CfileError `invalid_request` when they live in two upstreams
 */
export async function routeByNames(gateway: Gateway, caller: Caller, names: Names): Promise<Route> {
  const named = namedKinds.flatMap((kind) => names[kind].map((id) => ({ kind, id })))
  if (named.length === 0) return { upstreams: gateway.upstreams, reason: 'free' }
  const homes = new Map<Upstream, string>()
  for (const { kind, id, held } of await Promise.all(
    named.map(async (name) => ({
      ...name,
      held: await findHeld(gateway, caller, name.kind, name.id),
    })),
  )) {
    const home = gateway.upstreams.find(({ name }) => name === held?.record.upstream)
    if (home !== undefined) homes.set(home, `${kind} ${id}`)
  }
  const [home, ...others] = homes.keys()
  if (others.length > 0) throw twoUpstreams([...homes.values()])
  if (home === undefined) return { upstreams: gateway.upstreams, reason: 'unknown' }
  return { upstreams: [home], reason: 'known' }
}

/** Creates the error for a request that names things of two upstreams. */
function twoUpstreams(things: readonly string[]): CfileError {
  return new CfileError(
    'invalid_request',
    `The request names things that live in different upstreams: ${things.join(', ')}. Each exists only in the upstream that made it, so name things of one upstream.`,
  )
}

/** Upstreams that serve a model: those that list it, else those without a list, else the default. */
export function upstreamsForModel(gateway: Gateway, model: unknown): readonly Upstream[] {
  const { upstreams } = gateway
  const listed = upstreams.filter(
    ({ models }) => typeof model === 'string' && models?.includes(model),
  )
  if (listed.length > 0) return listed
  const open = upstreams.filter(({ models }) => models === undefined)
  return open.length > 0 ? open : upstreams.slice(0, 1)
}

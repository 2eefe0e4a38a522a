/**
 * Route: which upstream a request goes to. What it names decides; only a request that names nothing may be balanced.
 *
 * @module
 */

import { type Names, namedKinds } from '../../core/api/named-ids.ts'
import type { Operation } from '../../core/api/operations.ts'
import { CfileError } from '../../core/errors.ts'
import type { Caller, Gateway, Upstream } from '../gateway.ts'
import { findHeld } from '../owners/access.ts'

/** Where a request may go. */
export interface Route {
  /** In the order in which to try them; one, unless the request is free. */
  readonly upstreams: readonly Upstream[]
  /** Why: it names something we know, it names something nobody saw yet, or it names nothing. */
  readonly reason: 'known' | 'unknown' | 'free'
}

/** What a route is found by. */
export interface Wanted {
  readonly method: string
  readonly operation: Operation
  readonly names: Names
  /** The model that is to do the work, where the request says it. */
  readonly model?: unknown
  /** Whether the request's body can be sent a second time. */
  readonly canRepeat: boolean
}

/**
 * Finds where a request may go. What names nothing is balanced if it only generates; what makes something goes to the
 * default as long as that can be reached, so that files which are used together come to lie together.
 *
 * @throws CfileError `invalid_request` where it names things of two upstreams
 */
export async function findRoute(gateway: Gateway, caller: Caller, wanted: Wanted): Promise<Route> {
  const { method, operation, names, model, canRepeat } = wanted
  const { reason, upstreams } = await routeByNames(gateway, caller, names)
  if (reason === 'known') return { reason, upstreams }
  const isReading = method === 'GET' || method === 'HEAD'
  const able = upstreamsForModel(gateway, model)
  if (reason === 'unknown') {
    // Azure has deleted the thing, or was asked for it elsewhere; only a GET may be tried on all.
    return { reason, upstreams: isReading ? upstreams : [gateway.upstreams[0]] }
  }
  if (operation.shows === 'list') return { reason, upstreams: [gateway.upstreams[0]] }
  const ordered = operation.generates ? gateway.balance.order(able) : upstreams
  const mayRepeat = isReading || (method === 'POST' && canRepeat)
  return { reason, upstreams: mayRepeat ? ordered : ordered.slice(0, 1) }
}

/**
 * Finds the upstream of what the names belong to.
 *
 * @throws CfileError `invalid_request` where they belong to two
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

function twoUpstreams(things: readonly string[]): CfileError {
  return new CfileError(
    'invalid_request',
    `The request names things that live in different upstreams: ${things.join(', ')}. Each lives only where it was made, so name those of one.`,
  )
}

/** The upstreams that serve a model: those that list it, else those that list none, else the default. */
export function upstreamsForModel(gateway: Gateway, model: unknown): readonly Upstream[] {
  const { upstreams } = gateway
  const listed = upstreams.filter(
    ({ models }) => typeof model === 'string' && models?.includes(model),
  )
  if (listed.length > 0) return listed
  const open = upstreams.filter(({ models }) => models === undefined)
  return open.length > 0 ? open : upstreams.slice(0, 1)
}

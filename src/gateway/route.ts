/**
 * Route: which upstream a request goes to. What it names decides; only a request that names nothing may be balanced.
 *
 * @module
 */

import { type Names, namedKinds } from '../core/api-names.ts'
import { CfileError } from '../core/errors.ts'
import type { Caller, Gateway, Upstream } from './gateway.ts'
import { findRecord } from './records.ts'

/** Where a request may go. */
export interface Route {
  /** In the order in which to try them; one, unless the request is free. */
  readonly upstreams: readonly Upstream[]
  /** Why: it names something we know, it names something nobody saw yet, or it names nothing. */
  readonly reason: 'known' | 'unknown' | 'free'
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
  for (const { kind, id, record } of await Promise.all(
    named.map(async (name) => ({
      ...name,
      record: await findRecord(gateway, caller, name.kind, name.id),
    })),
  )) {
    const home = gateway.upstreams.find(({ name }) => name === record?.upstream)
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

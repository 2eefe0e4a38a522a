/**
 * Claim: what a caller brings, or names before it is recorded, becomes the caller's only where it is nobody else's.
 *
 * @module
 */

import type { Citation, Mentions } from '../../core/api/citations.ts'
import type { Caller, Gateway } from '../gateway.ts'
import {
  type ContainerView,
  notThere,
  rethrowMissing,
  type Standing,
  standingOf,
  viewContainer,
} from '../owners/access.ts'
import { type Kind, listOwners, putRecord } from '../owners/records.ts'
import { askInTurn } from '../upstreams/ask.ts'

/**
 * The mentions that may be recorded for the caller: all of them, or for an admin those that no other owner has.
 *
 * @throws CfileError `file_not_found`, `container_not_found`, `not_found` where one of them is somebody else's; then
 * nothing of the whole may be recorded
 */
export async function claim(
  gateway: Gateway,
  caller: Caller,
  mentions: Mentions,
): Promise<Mentions> {
  if (!gateway.owners.knowsCallers) return mentions
  const { responses, conversations, containers, citations, turns } = mentions
  const free = <T>(things: readonly T[], standing: (thing: T) => Promise<Standing>) =>
    filterFree(things, standing, caller, () => notThere(kindOf(mentions)))
  const place = (kind: Kind) => (id: string) => standingAsOwner(gateway, caller, kind, id)
  return {
    responses: await free(responses, place('response')),
    conversations: await free(conversations, place('conversation')),
    containers: await free(containers, place('container')),
    citations: await free(citations, (citation) => standingOfCitation(gateway, caller, citation)),
    turns,
  }
}

async function filterFree<T>(
  things: readonly T[],
  standing: (thing: T) => Promise<Standing>,
  { admin }: Caller,
  refusal: () => Error,
): Promise<T[]> {
  const standings = await Promise.all(things.map(standing))
  // An admin may look at what an owner has, but it stays the owner's alone.
  if (!admin && standings.includes('others')) throw refusal()
  return things.filter((_, index) => standings[index] !== 'others')
}

/** How an admin stands to a thing as an owner like all others. */
function standingAsOwner(gateway: Gateway, caller: Caller, kind: Kind, id: string) {
  return standingOf(gateway, { ...caller, admin: false }, kind, id)
}

/** In a container that others have too, a file that nobody was given may be theirs. */
async function standingOfCitation(
  gateway: Gateway,
  caller: Caller,
  { file_id, container_id }: Citation,
): Promise<Standing> {
  const standing = await standingAsOwner(gateway, caller, 'file', file_id)
  if (standing !== 'nobody' || container_id === undefined) return standing
  const owners = await listOwners(gateway, 'container', container_id, 2)
  return owners.some((owner) => owner !== caller.key) ? 'others' : 'nobody'
}

function kindOf({ citations, containers }: Mentions): Kind {
  if (citations.length > 0) return 'file'
  return containers.length > 0 ? 'container' : 'response'
}

/**
 * What a caller sees of a container. One that nobody has is the first caller's who names it, where that is trusted: it
 * is looked for upstream and recorded.
 *
 * @throws CfileError `container_not_found`
 */
export async function claimContainer(
  gateway: Gateway,
  caller: Caller,
  id: string,
  signal: AbortSignal,
): Promise<ContainerView> {
  const view = await viewContainer(gateway, caller, id)
  const { holder, record } = view
  if (!gateway.owners.knowsCallers || record !== undefined || holder === undefined) return view
  const { upstream } = await askInTurn(gateway.upstreams, (client) =>
    client.getContainer(id, { signal }),
  ).catch((error) => rethrowMissing(gateway, 'container', error))
  const claimed = { upstream: upstream.name, seen_at: gateway.runtime.now() }
  await putRecord(gateway, holder, 'container', id, claimed)
  return { ...view, record: claimed }
}

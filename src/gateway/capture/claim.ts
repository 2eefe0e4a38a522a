/**
 * Claims: a caller may record things that a posted answer mentions only if no other owner has them.
 *
 * @module
 */

import type { Citation, Mentions } from '../../core/api/citations/citations.ts'
import { isContainerId } from '../../core/ids.ts'
import type { Caller, Gateway } from '../gateway.ts'
import {
  type ContainerView,
  notThere,
  rethrowMissing,
  type Standing,
  standingOf,
  viewContainer,
} from '../owners/access.ts'
import {
  findRecord,
  type Kind,
  listOwners,
  putRecord,
  type RecordContext,
} from '../owners/records.ts'
import { askInTurn } from '../upstreams/location.ts'

/**
 * Returns the mentions that may be recorded for the caller: all of them, or for an admin those that no other owner has.
 *
 * @param mentions what a posted answer mentions; its author may have written any id into it
 * @throws CfileError `file_not_found`, `container_not_found`, `not_found` when one of them belongs to another owner.
 * Nothing is recorded in that case.
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
  // Later turns use the container of a recorded turn, so an answer may not name another owner's.
  const used = turns?.flatMap(({ container }) => container ?? []) ?? []
  const continued = turns?.flatMap(({ previous }) => previous ?? []) ?? []
  await free(used, place('container'))
  await free(continued, place('response'))
  return {
    responses: await free(responses, place('response')),
    conversations: await free(conversations, place('conversation')),
    containers: await free(containers, place('container')),
    citations: await free(citations, (citation) => standingOfCitation(gateway, caller, citation)),
    turns,
  }
}

/**
 * Removes what only a tool's result names and what belongs to other owners only. Callers name tool servers themselves
 * (`tools[].server_url`), so a server of theirs could name the container of another owner.
 *
 * @param mentions mentions of an answer of the upstream
 */
export async function withoutOthers(
  gateway: RecordContext,
  caller: Caller,
  mentions: Mentions,
): Promise<Mentions> {
  const { reported = [], containers, citations, turns } = mentions
  const others = new Set<string>()
  await Promise.all(
    reported.map(async (id) => {
      const kind = isContainerId(id) ? 'container' : 'file'
      if ((await findRecord(gateway, caller, kind, id)) !== undefined) return
      if ((await listOwners(gateway, kind, id, 1)).length > 0) others.add(id)
    }),
  )
  const isFree = (id: string | undefined): boolean => id === undefined || !others.has(id)
  return {
    ...mentions,
    containers: containers.filter(isFree),
    citations: citations.filter(
      ({ container_id, file_id }) => isFree(container_id) && isFree(file_id),
    ),
    turns: turns?.map(({ container, ...turn }) => ({
      ...turn,
      ...(isFree(container) && { container }),
    })),
  }
}

/** Returns the things without another owner. Throws the refusal when a caller who is no admin names others. */
async function filterFree<T>(
  things: readonly T[],
  standing: (thing: T) => Promise<Standing>,
  { admin }: Caller,
  refusal: () => Error,
): Promise<T[]> {
  const standings = await Promise.all(things.map(standing))
  // An admin may read the things of owners without becoming an owner of them.
  if (!admin && standings.includes('others')) throw refusal()
  return things.filter((_, index) => standings[index] !== 'others')
}

/** Standing of the caller without the rights of an admin. */
function standingAsOwner(gateway: Gateway, caller: Caller, kind: Kind, id: string) {
  return standingOf(gateway, { ...caller, admin: false }, kind, id)
}

/** Standing of the caller to a cited file. A file without an owner in a shared container may belong to the others. */
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

/** The kind that the error of a refused claim names. */
function kindOf({ citations, containers }: Mentions): Kind {
  if (citations.length > 0) return 'file'
  return containers.length > 0 ? 'container' : 'response'
}

/**
 * Looks up what a caller may see of a container. With `CFILE_TRUST_UNRECORDED`, a container without an owner is looked
 * up upstream and recorded for the caller.
 *
 * @param id id of the container, whose form was checked
 * @throws CfileError `container_not_found` for a container of another owner or one that no upstream has
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

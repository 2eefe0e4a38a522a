/**
 * Authorize: what a caller may name. A record is kept for each owner, so whoever has one owns the thing.
 *
 * @module
 */

import { CfileError, isCfileError } from '../../core/errors.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { granteeOf } from './caller.ts'
import { findRecord, type Kind, listOwners, type PlaceRecord, type RecordOf } from './records.ts'

/** How a caller stands to a thing: it is recorded for the caller, for others only, or for nobody. */
export type Standing = 'own' | 'others' | 'nobody'

/** Looks up how the caller stands to a thing. To an admin everything that is recorded is the own. */
export async function standingOf(
  gateway: Gateway,
  caller: Caller,
  kind: Kind,
  id: string,
): Promise<Standing> {
  if ((await findRecord(gateway, caller, kind, id)) !== undefined) return 'own'
  const owners = await listOwners(gateway, kind, id, 1)
  if (owners.length === 0) return 'nobody'
  return caller.admin ? 'own' : 'others'
}

/**
 * Whether the caller may name a thing: always where callers are not told apart, and to an admin; else what is recorded
 * for the caller, or with `CFILE_TRUST_UNRECORDED` for nobody.
 */
export async function mayName(
  gateway: Gateway,
  caller: Caller,
  kind: Kind,
  id: string,
): Promise<boolean> {
  if (!gateway.owners.knowsCallers || caller.admin) return true
  if (!gateway.owners.trustUnrecorded)
    return (await findRecord(gateway, caller, kind, id)) !== undefined
  return (await standingOf(gateway, caller, kind, id)) !== 'others'
}

/** A record that a caller may read, and whose it is: to an admin it may be anybody's. */
export interface Held<K extends Kind> {
  readonly holder: Caller
  readonly record: RecordOf<K>
}

/** The caller's record of a thing; for an admin who has none, that of its first owner. */
export async function findHeld<K extends Kind>(
  gateway: Gateway,
  caller: Caller,
  kind: K,
  id: string,
): Promise<Held<K> | undefined> {
  const own = await findRecord(gateway, caller, kind, id)
  if (own !== undefined) return { holder: caller, record: own }
  const [owner] = caller.admin ? await listOwners(gateway, kind, id, 1) : []
  if (owner === undefined) return undefined
  const holder = granteeOf(owner)
  const record = await findRecord(gateway, holder, kind, id)
  return record && { holder, record }
}

/** What a caller sees of a container. */
export interface ContainerView {
  /** Whose records and copies count, and for whom new ones are written; absent where an admin looks at what is nobody's. */
  readonly holder?: Caller
  /** Absent where it is not recorded yet. */
  readonly record?: PlaceRecord
  /** Whether others have it too: then only the files that are recorded for the holder are seen. */
  readonly isShared: boolean
}

/**
 * Looks up what a caller, or the holder of a signed link to the container, sees of it. Asks nothing upstream.
 *
 * @throws CfileError `container_not_found` for what is not the caller's, whether it exists or not
 */
export async function viewContainer(
  gateway: Gateway,
  caller: Caller,
  id: string,
  isGranted = false,
): Promise<ContainerView> {
  const held = await findHeld(gateway, caller, 'container', id)
  if (!gateway.owners.knowsCallers) return { holder: caller, record: held?.record, isShared: false }
  if (caller.admin) return { ...held, isShared: false }
  const { trustUnrecorded } = gateway.owners
  if (held === undefined && !isGranted && !trustUnrecorded) throw notThere('container')
  const owners = await listOwners(gateway, 'container', id, 2)
  const isOthers = owners.some((owner) => owner !== caller.key)
  if (held === undefined && !isGranted && isOthers) throw notThere('container')
  const isShared = isOthers || isSharedByAll(gateway, held?.record)
  return { holder: caller, record: held?.record, isShared }
}

/** Whether a container is of an upstream where all users share one: there only cited files are known to be a caller's. */
export function isSharedByAll({ upstreams }: Gateway, record: PlaceRecord | undefined): boolean {
  const home = upstreams.find(({ name }) => name === record?.upstream)
  return home?.client.endpoint.agent !== undefined
}

/**
 * For whom a thing is recorded once it is found upstream, though nobody has a record of it yet; `undefined`: for nobody,
 * since an admin who looks at a thing does not own it.
 *
 * @throws CfileError where the caller may not name it
 */
export async function holderOfUnrecorded(
  gateway: Gateway,
  caller: Caller,
  kind: Kind,
  id: string,
): Promise<Caller | undefined> {
  if (!(await mayName(gateway, caller, kind, id))) throw notThere(kind)
  return caller.admin ? undefined : caller
}

const missing = {
  file: ['file_not_found', 'There is no such file here'],
  container: ['container_not_found', 'There is no such container here'],
  response: ['not_found', 'There is no such response here'],
  conversation: ['not_found', 'There is no such conversation here'],
  thing: ['not_found', 'There is no such thing here'],
} as const

/** The one answer for what is not there and for what is somebody else's. It repeats no id, so that no two differ. */
export function notThere(kind: Kind): CfileError {
  const [code, message] = missing[kind]
  return new CfileError(code, `${message}, or it is not yours.`, {
    hint: 'A thing is known to whom the answer that mentions it was given, through /openai/v1 or by POST /captures.',
  })
}

/** Where callers are told apart, what the upstream says about a missing thing gives way to the one answer of {@link notThere}. */
export function rethrowMissing(gateway: Gateway, kind: Kind, error: unknown): never {
  throw gateway.owners.knowsCallers && isCfileError(error) && error.status === 404
    ? notThere(kind)
    : error
}

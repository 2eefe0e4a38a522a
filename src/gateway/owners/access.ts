/**
 * Access: who a caller is, and which things a caller may name. A record belongs to one owner, so having a record means
 * owning the thing.
 *
 * @module
 */

import { shortHash } from '../../core/encoding.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { findRecord, type Kind, listOwners, type PlaceRecord, type RecordOf } from './records.ts'

/** Whether a thing is recorded for the caller, for other owners only, or for nobody. */
export type Standing = 'own' | 'others' | 'nobody'

/**
 * Looks up the standing of a caller to a thing. For an admin, everything that has a record is `own`.
 *
 * @param kind kind of the record
 * @param id id as the request named it
 */
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
 * Whether the caller may name a thing. Always true without caller auth and for admins. Otherwise the thing must be
 * recorded for the caller, or for nobody with `CFILE_TRUST_UNRECORDED`.
 *
 * @param kind kind of the record
 * @param id id as the request named it
 * @throws CfileError `not_ready` when the store fails
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

/** A record that a caller may read, and its owner, who differs from the caller when that is an admin. */
interface Held<K extends Kind> {
  readonly holder: Caller
  readonly record: RecordOf<K>
}

/**
 * Returns the caller's record of a thing. An admin without a record of their own gets that of the first owner.
 *
 * @param kind kind of the record
 * @param id id as the request named it
 * @returns `undefined` without a record
 */
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
  const holder = callerOfKey(owner)
  const record = await findRecord(gateway, holder, kind, id)
  return record && { holder, record }
}

/** A container from the point of view of a caller. */
export interface ContainerView {
  /** Owner whose records and copies are used. Absent when an admin reads a container without an owner. */
  readonly holder?: Caller
  /** Absent when the container has no record yet. */
  readonly record?: PlaceRecord
  /** Whether other owners have it too. The holder then sees only files with a record of their own. */
  readonly isShared: boolean
}

/**
 * Looks up what a caller, or the holder of a signed link, may see of a container. Asks no upstream.
 *
 * @param isGranted whether a signed link to the container was followed
 * @throws CfileError `container_not_found` for containers of others, whether they exist or not
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

/**
 * Whether a container belongs to a hosted agent, whose users all share it, so that only cited files have an owner.
 *
 * @param record record of the container, which names its upstream
 */
export function isSharedByAll({ upstreams }: Gateway, record: PlaceRecord | undefined): boolean {
  const home = upstreams.find(({ name }) => name === record?.upstream)
  return home?.client.endpoint.agent !== undefined
}

/**
 * Returns the future owner of a thing without a record, once it is found upstream. `undefined` for admins, who do not
 * become owners of what they read.
 *
 * @param kind kind of the thing
 * @param id id as the request named it
 * @throws CfileError `file_not_found`, `container_not_found`, `not_found` when the caller may not name it
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

/**
 * Creates the error for a thing that does not exist or that belongs to another owner. Both get the same text, without the
 * id, so that the answers do not differ.
 */
export function notThere(kind: Kind): CfileError {
  const [code, message] = missing[kind]
  return new CfileError(code, `${message}, or it is not yours.`, {
    hint: 'A thing is known to the caller who got the answer that mentions it, through /openai/v1 or by POST /captures.',
  })
}

/**
 * Throws an error of the upstream. With caller auth, a 404 becomes the error of {@link notThere}.
 *
 * @param kind kind of thing that the request named
 * @param error the upstream's error
 */
export function rethrowMissing(gateway: Gateway, kind: Kind, error: unknown): never {
  throw gateway.owners.knowsCallers && isCfileError(error) && error.status === 404
    ? notThere(kind)
    : error
}

/** The owner that a credential belongs to. */
export interface Identity {
  readonly owner: string
  /** Whether the credential is an admin's. Never set from the claims of a token. */
  readonly admin?: boolean
}

/**
 * Returns the caller for an identity. Credentials with the same owner name give the same owner.
 *
 * @param keys cache of owner keys by name
 */
export async function toCaller(
  { owner, admin = false }: Identity,
  keys?: Map<string, string>,
): Promise<Caller> {
  return { owner, admin, key: await ownerKey(owner, keys) }
}

/** Returns the caller for an owner key, as signed links and records contain it. Its name is unknown. */
export function callerOfKey(ownerKey: string): Caller {
  return { owner: '', admin: false, key: ownerKey }
}

const mostKept = 1000

/**
 * Returns the key of an owner: half of a SHA-256 in hex. It does not reveal the name, and every store and URL accepts it.
 *
 * @param keys cache of keys by name. It holds values, not promises, since in workerd a request must not wait for a
 * promise of another request.
 */
export async function ownerKey(owner: string, keys?: Map<string, string>): Promise<string> {
  const known = keys?.get(owner)
  if (known !== undefined) return known
  const key = await shortHash(owner)
  // A limit, because tokens can contain any number of names.
  if (keys?.size === mostKept) keys.clear()
  keys?.set(owner, key)
  return key
}

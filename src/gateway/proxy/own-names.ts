/**
 * Checks that a request names only things of its caller. All other things are answered as if they did not exist.
 *
 * @module
 */

import type { BodyNames } from '../../core/api/names/body-names.ts'
import type { Names } from '../../core/api/names/named-ids.ts'
import { namedKinds } from '../../core/api/operations.ts'
import { CfileError } from '../../core/errors.ts'
import { isVectorStoreId } from '../../core/ids.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { callerOfKey, isSharedByAll, mayName, notThere, standingOf } from '../owners/access.ts'
import { findRecord, type Kind, listOwners } from '../owners/records.ts'

/** Ids that a request names, by where they stand. */
export interface NamedBy {
  readonly path: Names
  readonly query: Names
  readonly body: Names
}

/**
 * Checks that path and query name only things of the caller.
 *
 * @param path ids in the path
 * @param query ids in the query
 * @throws CfileError `file_not_found`, `container_not_found`, `not_found`
 */
export async function requireOwn(
  gateway: Gateway,
  caller: Caller,
  { path, query }: Pick<NamedBy, 'path' | 'query'>,
): Promise<void> {
  if (!gateway.owners.knowsCallers || caller.admin) return
  const isFileInContainer = path.container.length > 0 && path.file.length > 0
  if (isFileInContainer) await requireFile(gateway, caller, path)
  for (const names of isFileInContainer ? [query] : [path, query]) {
    for (const kind of namedKinds) {
      const mayPass = await all(names[kind], (id) => mayName(gateway, caller, kind, id))
      if (!mayPass) throw notThere(names === path && path.file.length > 0 ? 'file' : kind)
    }
  }
}

/**
 * Checks that a body names only things of the caller. Vector stores without an owner are allowed, because the operator
 * created them for all callers. Ids that the body only carries may be unknown, so that a conversation can continue after
 * its records have expired.
 *
 * @param names ids that the request uses
 * @param carried ids in items that it only repeats
 * @throws CfileError `file_not_found`, `container_not_found`, `not_found`; `invalid_request` when the request reads
 * data of all owners
 */
export async function requireOwnBody(
  gateway: Gateway,
  caller: Caller,
  { names, carried, readsAll }: BodyNames,
): Promise<void> {
  if (!gateway.owners.knowsCallers || caller.admin) return
  if (readsAll) throw readsAllOwners()
  for (const kind of namedKinds) {
    const mayPass = await all(names[kind], (id) =>
      kind === 'thing' && isVectorStoreId(id)
        ? mayCarry(gateway, caller, kind, id)
        : mayName(gateway, caller, kind, id),
    )
    const mayRepeat = await all(carried[kind], (id) => mayCarry(gateway, caller, kind, id))
    if (!mayPass || !mayRepeat) throw notThere(kind)
  }
}

/**
 * Whether a body may carry an id without using it: the id belongs to the caller or to nobody, or a search returned this
 * file to the caller.
 */
async function mayCarry(
  gateway: Gateway,
  caller: Caller,
  kind: Kind,
  id: string,
): Promise<boolean> {
  if ((await standingOf(gateway, caller, kind, id)) !== 'others') return true
  return kind === 'file' && (await findRecord(gateway, caller, 'thing', id)) !== undefined
}

/** Whether all ids are allowed. */
async function all(
  ids: readonly string[],
  isAllowed: (id: string) => Promise<boolean>,
): Promise<boolean> {
  return !(await Promise.all(ids.map(isAllowed))).includes(false)
}

/** The error for a request that may read things of all owners, such as an evaluation over stored answers. */
function readsAllOwners(): CfileError {
  return new CfileError(
    'invalid_request',
    'The request may read things of all owners, which only an admin may do.',
    { hint: 'Give the rows of an eval or a batch themselves, or as a file of your own.' },
  )
}

/**
 * Whether several owners have a container. Each of them then has only the files that answers cited to them.
 *
 * @param containerId id of the container
 * @returns false without caller auth
 */
export async function isShared(gateway: Gateway, containerId: string): Promise<boolean> {
  if (!gateway.owners.knowsCallers) return false
  const [owner, other] = await listOwners(gateway, 'container', containerId, 2)
  if (other !== undefined) return true
  return (
    owner !== undefined &&
    isSharedByAll(gateway, await findRecord(gateway, callerOfKey(owner), 'container', containerId))
  )
}

/**
 * Checks the files of a container path. A file passes when it is recorded for the caller, or when it has no owner and
 * the container belongs to the caller alone.
 */
async function requireFile(
  gateway: Gateway,
  caller: Caller,
  { container: [containerId = ''], file: files }: Names,
): Promise<void> {
  for (const fileId of files) {
    const record = await findRecord(gateway, caller, 'file', fileId)
    if (record?.container_id === containerId) continue
    const mayEnter = await mayName(gateway, caller, 'container', containerId)
    if (!mayEnter || (await isShared(gateway, containerId))) throw notThere('file')
    if ((await standingOf(gateway, caller, 'file', fileId)) === 'others') throw notThere('file')
  }
}

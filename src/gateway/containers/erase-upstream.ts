/**
 * Erases files at Azure too: one file, or all files in the containers of an owner.
 *
 * @module
 */

import { isCfileError } from '../../core/errors.ts'
import { runConcurrently } from '../../core/time.ts'
import { type Erased, eraseCopy, eraseFile, eraseOwner, requireAdmin } from '../archive/erase.ts'
import { deleteUpstream, isGone } from '../files/file-object.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { callerOfKey, ownerKey } from '../owners/access.ts'
import { findRecord, listOwners, listRecords } from '../owners/records.ts'
import { upstreamsNamed } from '../upstreams/location.ts'
import { dropListing, listFiles } from './listing.ts'

const requestsAtATime = 8

/**
 * Erases a container file at Azure, and its record and copy here. For an admin, the records and copies of all owners.
 * When Azure does not delete the file, only the copies are erased, since the record is needed to try again.
 *
 * @param fileId id of a container file
 * @returns whether Azure no longer has the file
 * @throws CfileError `file_not_found` for files of others, without asking an upstream; `not_ready`
 */
export async function eraseFileUpstream(
  gateway: Gateway,
  caller: Caller,
  fileId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const others = caller.admin ? await listOwners(gateway, 'file', fileId, 1000) : []
  const owners = [...new Set([caller.key, ...others])]
  const places: Place[] = []
  for (const owner of owners) {
    const { container_id: containerId, upstream } =
      (await findRecord(gateway, callerOfKey(owner), 'file', fileId)) ?? {}
    if (containerId !== undefined) places.push({ owner, containerId, upstream })
  }
  let isErased = true
  for (const place of places) {
    if (!(await eraseOne(gateway, { ...place, fileId, by: caller.key }, signal))) isErased = false
  }
  if (isErased) {
    await eraseFile(gateway, caller, fileId, signal)
    return true
  }
  for (const { owner, containerId } of places) {
    await eraseCopy(gateway, { owner, file_id: fileId, container_id: containerId }, signal)
  }
  return false
}

/** Owner, container and upstream of a file. */
interface Place {
  /** Key of the owner. */
  readonly owner: string
  readonly containerId: string
  /** Name of the upstream, if recorded. */
  readonly upstream?: string
}

/** A file to delete at Azure. */
interface FileToErase extends Place {
  readonly fileId: string
  /** Key of the caller who asked for it. */
  readonly by: string
}

/** Deletes a file at its upstream and logs that. @returns whether the upstream no longer has it */
async function eraseOne(
  gateway: Gateway,
  { owner, by, containerId, fileId, upstream }: FileToErase,
  signal: AbortSignal,
): Promise<boolean> {
  const upstreams = upstreamsNamed(gateway, upstream)
  const fields = { owner, by, file_id: fileId, container_id: containerId }
  try {
    const wasThere = await deleteUpstream({ containerId, fileId, upstreams }, signal)
    if (wasThere) gateway.log('info', 'A container file was erased upstream.', fields)
    return true
  } catch (error) {
    signal.throwIfAborted()
    const cause = String(error)
    gateway.log('warn', 'A container file could not be erased upstream.', { ...fields, cause })
    return false
  }
}

/** Result of erasing an owner at Azure too. */
interface ErasedUpstream extends Erased {
  /** Ids of files that stay at Azure because another owner has them too. */
  readonly shared: readonly string[]
  /** Ids of files that Azure did not delete and of containers that could not be listed. Their records stay. */
  readonly failed: readonly string[]
}

/**
 * Erases all records and copies of an owner, and at Azure the files in the owner's containers. In a container that others
 * share, only files with a record of this owner are erased.
 *
 * @param name name of the owner
 * @throws CfileError `not_found` for callers who are not admins, without asking an upstream; `not_ready`
 */
export async function eraseOwnerUpstream(
  gateway: Gateway,
  admin: Caller,
  name: string,
  signal: AbortSignal,
): Promise<ErasedUpstream> {
  requireAdmin(admin)
  const owner = await ownerKey(name)
  const failed: string[] = []
  // Ids whose records stay, since they are needed to try again.
  const kept = new Set<string>()
  const shared: string[] = []
  const eraseIn = async (held: HeldContainer): Promise<void> => {
    const { files, isListed } = await filesToErase(gateway, held, signal)
    if (!isListed) {
      failed.push(held.containerId)
      kept.add(held.containerId)
    }
    for (const fileId of files) {
      const owners = await listOwners(gateway, 'file', fileId, 2)
      if (owners.some((other) => other !== owner)) shared.push(fileId)
      else if (!(await eraseOne(gateway, { ...held, fileId, by: admin.key }, signal))) {
        failed.push(fileId)
        kept.add(fileId).add(held.containerId)
      }
    }
  }
  await runConcurrently(await containersOf(gateway, owner), requestsAtATime, eraseIn)
  const erased = await eraseOwner(gateway, admin, name, signal, kept)
  return { ...erased, shared, failed }
}

/** A container of an owner, with the ids of its files that are recorded for the owner. */
interface HeldContainer extends Place {
  /** Whether the container itself is recorded for the owner, and not only files of it. */
  readonly isRecorded: boolean
  readonly recorded: Set<string>
}

/** Collects the containers with a record of an owner, and those of the owner's files. */
async function containersOf(gateway: Gateway, owner: string): Promise<Iterable<HeldContainer>> {
  const held = new Map<string, HeldContainer>()
  for await (const { id, record } of listRecords(gateway, 'container', owner)) {
    const { upstream } = record
    held.set(id, { owner, containerId: id, upstream, isRecorded: true, recorded: new Set() })
  }
  for await (const { id, record } of listRecords(gateway, 'file', owner)) {
    const { container_id: containerId, upstream } = record
    if (containerId === undefined) continue
    const fresh = { owner, containerId, upstream, isRecorded: false, recorded: new Set<string>() }
    const container = held.get(containerId) ?? fresh
    held.set(containerId, container)
    container.recorded.add(id)
  }
  return held.values()
}

/** Lists the files of a container that must be erased upstream. None for a container that has expired. */
async function filesToErase(
  gateway: Gateway,
  { owner, containerId, isRecorded, recorded }: HeldContainer,
  signal: AbortSignal,
): Promise<{ readonly files: Iterable<string>; readonly isListed: boolean }> {
  if (!isRecorded) return { files: recorded, isListed: true }
  dropListing(gateway, containerId)
  const query = { containerId, isGranted: false, signal }
  try {
    const { files, expired } = await listFiles(gateway, callerOfKey(owner), query)
    if (expired !== undefined) return { files: [], isListed: true }
    return { files: new Set([...recorded, ...files.map(({ id }) => id)]), isListed: true }
  } catch (error) {
    signal.throwIfAborted()
    if (isGone(error)) return { files: [], isListed: true }
    if (isCfileError(error) && error.code === 'not_ready') throw error
    const fields = { owner, container_id: containerId, cause: String(error) }
    gateway.log('warn', 'The files of a container could not be listed to erase them.', fields)
    return { files: recorded, isListed: false }
  }
}

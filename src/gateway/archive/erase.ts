/**
 * Erases the copy and record of one file, or everything of an owner.
 *
 * A copy may be under way on another instance. So erasing first writes `erased/{owner}/{file}` to the store. A copy
 * that finds this key when it is complete is removed again.
 *
 * @module
 */

import type { ArchivedFile } from '../../archives/archive.ts'
import { CfileError } from '../../core/errors.ts'
import { within } from '../../core/time.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { callerOfKey, notThere, ownerKey } from '../owners/access.ts'
import {
  findRecord,
  type Kind,
  kinds,
  listEntries,
  listOwners,
  removeRecord,
} from '../owners/records.ts'
import { removeRow } from './find.ts'
import { addPending, enqueue, listPending, removePending } from './pending.ts'
import type { PendingCopy } from './state.ts'

// Seconds. Longer than any copy takes.
const tombstoneTtl = 6 * 3600
const allFiles = '*'

/**
 * Erases the caller's record and copy of a file. For an admin, those of all owners.
 *
 * @param fileId id of a file, in any container or of the Files API
 * @throws CfileError `file_not_found` for files of others; `not_ready` when the archive fails. Nothing is erased then,
 * and it can be tried again.
 */
export async function eraseFile(
  gateway: Gateway,
  caller: Caller,
  fileId: string,
  signal: AbortSignal,
): Promise<void> {
  if (!(await eraseThing(gateway, caller, { kind: 'file', id: fileId }, signal))) {
    throw notThere('file')
  }
  gateway.log('info', 'A file was erased.', { owner: caller.key, file_id: fileId })
}

/**
 * Erases the caller's record of a thing, and the copy of a file. For an admin, those of all owners.
 *
 * @param kind kind of its record; only files have copies
 * @returns whether a record or a copy existed
 * @throws CfileError `not_ready` when the store or the archive fails
 */
export async function eraseThing(
  gateway: Gateway,
  caller: Caller,
  { kind, id }: { readonly kind: Kind; readonly id: string },
  signal: AbortSignal,
): Promise<boolean> {
  const others = caller.admin ? await listOwners(gateway, kind, id, 1000) : []
  let isFound = others.length > 0
  for (const owner of new Set([caller.key, ...others])) {
    if (kind !== 'file') await removeRecord(gateway, callerOfKey(owner), kind, id)
    else if (await eraseOne(gateway, owner, id, signal)) isFound = true
  }
  return isFound
}

/**
 * Erases the record and the copy that one owner has of a file.
 *
 * @param owner key of the owner
 * @returns whether there was a record or a copy
 */
async function eraseOne(
  gateway: Gateway,
  owner: string,
  fileId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { archiving } = gateway
  const holder = callerOfKey(owner)
  const record = await findRecord(gateway, holder, 'file', fileId)
  const copy = await archiving?.archive.get(`${owner}/${fileId}`, { signal })
  const place = {
    owner,
    file_id: fileId,
    container_id: copy?.meta.container_id ?? record?.container_id,
  }
  if (record === undefined && copy === undefined) return false
  await eraseCopy(gateway, place, signal)
  await removeRecord(gateway, holder, 'file', fileId)
  return true
}

type CopyPlace = Pick<PendingCopy, 'owner' | 'file_id'> & { readonly container_id?: string }

/**
 * Removes an owner's copy of a file, including one that is under way or pending.
 *
 * @param place the copy; without `container_id`, the list of copies of the container keeps its row
 */
export async function eraseCopy(
  gateway: Gateway,
  place: CopyPlace,
  signal: AbortSignal,
): Promise<void> {
  const { owner, file_id } = place
  await markErased(gateway, owner, file_id)
  await removeCopy(gateway, place, signal)
  for await (const pending of listPending(gateway)) {
    if (pending.owner === owner && pending.file_id === file_id)
      await removePending(gateway, pending)
  }
}

/**
 * Removes an owner's copy of a file and its row in the list of copies of the container.
 *
 * @param owner key of the owner
 * @throws the error of the archive
 */
export async function removeCopy(
  gateway: Gateway,
  { owner, file_id, container_id }: CopyPlace,
  signal: AbortSignal,
): Promise<void> {
  await gateway.archiving?.archive.delete(`${owner}/${file_id}`, { signal })
  if (container_id !== undefined) await removeRow(gateway, owner, container_id, file_id)
}

/** Numbers of copies and records that were erased. */
export interface Erased {
  readonly copies: number
  readonly records: number
}

/** Checks that the caller is an admin. @throws CfileError `not_found` */
export function requireAdmin({ admin }: Caller): void {
  if (!admin) throw new CfileError('not_found', 'Nothing is served at this path.')
}

/**
 * Erases everything of an owner: copies, pending copies and records of all kinds.
 *
 * @param name name of the owner
 * @param kept ids whose records stay
 * @throws CfileError `not_found` for callers who are not admins; `not_ready` when the archive or the store fails. The
 * call can be repeated to erase the rest.
 */
export async function eraseOwner(
  gateway: Gateway,
  admin: Caller,
  name: string,
  signal: AbortSignal,
  kept: ReadonlySet<string> = new Set(),
): Promise<Erased> {
  requireAdmin(admin)
  const owner = await ownerKey(name)
  await markErased(gateway, owner, allFiles)
  const copies = await eraseCopies(gateway, owner, signal)
  let records = 0
  for (const kind of [...kinds, 'archived', 'copy', 'until']) {
    const isRecord = kinds.some((name) => name === kind)
    const erased = await eraseKeys(gateway, `${kind}/`, (key) => {
      const parts = key.split('/')
      return parts.includes(owner) && !(isRecord && parts.some((part) => kept.has(part)))
    })
    if (isRecord) records += erased
  }
  gateway.log('info', 'An owner was erased.', { owner, by: admin.key, copies, records })
  return { copies, records }
}

/**
 * Deletes all copies of an owner and counts them.
 *
 * @param owner key of the owner
 */
async function eraseCopies({ archiving }: Gateway, owner: string, signal: AbortSignal) {
  let copies = 0
  if (archiving === undefined) return copies
  for await (const { key } of archiving.archive.list({ owner, signal })) {
    await archiving.archive.delete(key, { signal })
    copies += 1
  }
  return copies
}

/** Deletes the keys of the store with a prefix for which `isErased` is true, and counts them. */
async function eraseKeys(
  gateway: Gateway,
  prefix: string,
  isErased: (key: string) => boolean,
): Promise<number> {
  let erased = 0
  for await (const { key } of listEntries(gateway, prefix)) {
    if (!isErased(key)) continue
    await gateway.store.delete(key)
    erased += 1
  }
  return erased
}

/** Marks a file as erased, so that copies under way on any instance are discarded. */
async function markErased(
  { store, archiving, runtime: { now } }: Gateway,
  owner: string,
  fileId: string,
): Promise<void> {
  if (archiving !== undefined) {
    await store.put(`erased/${owner}/${fileId}`, now(), { ttl: tombstoneTtl })
  }
}

/** Whether a file, or everything of its owner, was erased after the copy became pending. */
export async function isErased(
  { store }: Gateway,
  { owner, file_id, noted_at }: PendingCopy,
): Promise<boolean> {
  const times = await Promise.all(
    [file_id, allFiles].map((name) => store.get(`erased/${owner}/${name}`)),
  )
  return times.some((time) => typeof time === 'number' && time >= noted_at)
}

// Milliseconds that the download waits which found the damage. The work continues in the background.
const longestWaitMs = 2000

/**
 * Deletes a damaged copy, unless it was replaced meanwhile, and stores the file as pending. Never throws.
 *
 * @param copy the copy as it was opened
 * @param cause the checksum error
 */
export async function discardCopy(
  gateway: Gateway,
  copy: ArchivedFile,
  cause: unknown,
): Promise<void> {
  gateway.observed.metrics.add('cfile_archive_errors_total')
  gateway.log('error', 'A copy in the archive is damaged. It is deleted and copied again.', {
    file_id: copy.meta.file_id,
    cause: String(cause),
  })
  const work = replaceCopy(gateway, copy)
  gateway.runtime.waitUntil(work.catch(() => {}))
  await within(gateway.runtime.wait, longestWaitMs, undefined, () => work).catch((error) =>
    gateway.log('warn', 'A damaged copy could not be deleted.', { cause: String(error) }),
  )
}

/** Deletes a damaged copy and queues a new one, unless another request has replaced it already. */
async function replaceCopy(gateway: Gateway, copy: ArchivedFile): Promise<void> {
  const { archiving } = gateway
  const { owner, file_id, container_id, upstream, name: filename } = copy.meta
  const current = await archiving?.archive.get(copy.key)
  if (archiving === undefined || current?.storedAt !== copy.storedAt) return
  if (current.sha256 !== copy.sha256) return
  await removeCopy(gateway, { owner, file_id, container_id }, new AbortController().signal)
  enqueue(
    archiving,
    await addPending(gateway, { owner, file_id, container_id, upstream, filename }),
  )
  archiving.state.start()
}

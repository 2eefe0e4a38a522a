/**
 * Container files as objects of the Files API, so that code written for the Assistants API keeps working.
 *
 * @see https://platform.openai.com/docs/api-reference/files/object
 * @module
 */

import { CfileError, isCfileError } from '../../core/errors.ts'
import { idCreatedAt } from '../../core/ids.ts'
import { eraseFile } from '../archive/erase.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { notThere, rethrowMissing } from '../owners/access.ts'
import { askInTurn, type FileLocation } from '../upstreams/location.ts'
import { remember } from './deliver.ts'
import { locateFile, type NamedFile } from './locate.ts'
import { openSource } from './source.ts'

/** A file object of the Files API, with the container that the file is in. */
interface FileObject {
  readonly id: string
  readonly object: 'file'
  /** `null` if the length is unknown. */
  readonly bytes: number | null
  /** Unix seconds. */
  readonly created_at: number
  readonly filename: string
  readonly purpose: 'assistants_output'
  readonly status: 'processed'
  readonly container_id?: string
}

/**
 * Finds a container file for the Files API, which names no container.
 *
 * @throws CfileError `file_not_found` for a file without a record; the upstream is not asked
 */
export async function locateForFilesApi(
  gateway: Gateway,
  caller: Caller,
  file: NamedFile,
): Promise<FileLocation> {
  try {
    return await locateFile(gateway, caller, file)
  } catch (error) {
    throw isCfileError(error) && error.code === 'container_unknown' ? notRecorded() : error
  }
}

/**
 * Describes a container file as the Files API does, from the archive or the upstream.
 *
 * @throws CfileError `file_not_found`, `container_expired`, and those of the upstream
 */
export async function describeFile(
  gateway: Gateway,
  caller: Caller,
  file: NamedFile,
  signal: AbortSignal,
): Promise<FileObject> {
  const location = await locateForFilesApi(gateway, caller, file)
  const source = await openSource(gateway, location, { signal })
  const facts = await source.describe().catch((error) => rethrowMissing(gateway, 'file', error))
  await remember(gateway, location, facts, { isGranted: false })
  const { fileId: id, containerId: container_id, record } = location
  return {
    id,
    object: 'file',
    bytes: facts.bytes ?? null,
    created_at: facts.createdAt ?? idCreatedAt(id) ?? record?.seen_at ?? gateway.runtime.now(),
    filename: facts.filename,
    purpose: 'assistants_output',
    status: 'processed',
    container_id,
  }
}

/**
 * Deletes a container file upstream, and its record and copy here.
 *
 * @throws CfileError `file_not_found` for a file of another owner, and those of the upstream; then nothing is erased
 * here
 */
export async function deleteFile(
  gateway: Gateway,
  caller: Caller,
  file: NamedFile,
  signal: AbortSignal,
): Promise<void> {
  const location = await locateForFilesApi(gateway, caller, file)
  await deleteUpstream(location, signal)
  await eraseFile(gateway, caller, file.id, signal).catch((error) => {
    // A file that was found only by the `container_id` of the request may have no record.
    if (location.isRecorded || !isCfileError(error) || error.status !== 404) throw error
  })
}

/**
 * Deletes a container file at its upstream.
 *
 * @returns whether it still existed; a file is gone with its container
 */
export async function deleteUpstream(
  { containerId, fileId, upstreams }: Pick<FileLocation, 'containerId' | 'fileId' | 'upstreams'>,
  signal: AbortSignal,
): Promise<boolean> {
  if (containerId === undefined) return false
  try {
    await askInTurn(upstreams, (client) =>
      client.deleteContainerFile(containerId, fileId, { signal }),
    )
    return true
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

/** Whether an error of the upstream says that a file or its container no longer exists. */
export function isGone(error: unknown): boolean {
  return isCfileError(error) && (error.status === 404 || error.status === 410)
}

function notRecorded(): CfileError {
  const { message, details } = notThere('file')
  return new CfileError('file_not_found', message, {
    ...details,
    hint: 'Nothing is recorded of this file; ?container_id=cntr_… names its container.',
  })
}

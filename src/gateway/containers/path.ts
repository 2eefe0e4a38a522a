/**
 * Finds the current file at a path of a container: `/mnt/data/{path}`. Rewritten `sandbox:` links lead here, since they
 * are made before the id of the file is known.
 *
 * @module
 */

import type { ContainerFile } from '../../azure/operations.ts'
import { findByPath, nameInPath } from '../../core/api/container-files.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import { cleanFilename, stripStoredPrefix } from '../../core/http/content-disposition.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { notThere } from '../owners/access.ts'
import type { FileLocation } from '../upstreams/location.ts'
import { dropListing, type ListQuery, listFiles, recordFiles } from './listing.ts'

/** A path in a container. No part of it is ever sent upstream. */
interface PathQuery extends ListQuery {
  /** Below `/mnt/data/`, as the model wrote it. */
  readonly path: string
}

/**
 * Finds the file at a path among those that the caller may see, and records it unless a signed link was followed.
 *
 * @param query the path, and the container to look in
 * @throws CfileError `file_not_found`; `container_expired`
 */
export async function locatePath(
  gateway: Gateway,
  caller: Caller,
  query: PathQuery,
): Promise<FileLocation> {
  const { containerId } = query
  const { file, ...listing } = await search(gateway, caller, query)
  // An expired container may have held the file without a copy in the archive, so the error is `container_expired`.
  if (file === undefined) throw listing.expired ?? nothingAt(query, listing.files)
  const records = await recordFiles(gateway, query, { ...listing, files: [file] })
  const record = records.get(file.id)
  return {
    fileId: file.id,
    containerId,
    upstreams: [listing.upstream],
    filename: record?.filename,
    record,
    holder: listing.holder,
    isRecorded: true,
  }
}

/** Looks for the path in the list, and once more in a fresh list when a cached one does not have it. */
async function search(gateway: Gateway, caller: Caller, query: PathQuery) {
  const look = async () => {
    const listing = await listFiles(gateway, caller, query).catch(rethrowAsFile)
    return { ...listing, file: findByPath(listing.files, query.path) }
  }
  const found = await look()
  if (found.file !== undefined || !found.isCached) return found
  dropListing(gateway, query.containerId)
  return look()
}

/** Turns the 404 of a container into that of a file, since the request names a file. */
function rethrowAsFile(error: unknown): never {
  throw isCfileError(error) && error.status === 404 ? notThere('file') : error
}

const mostNames = 10

/** Creates the error for a path without a file. It lists the existing names, except for signed links to one path. */
function nothingAt(
  { containerId, isGranted }: PathQuery,
  files: readonly ContainerFile[],
): CfileError {
  const listed = isGranted ? [] : files
  const names = new Set(
    listed.map(({ path }) => cleanFilename(stripStoredPrefix(nameInPath(path)))),
  )
  const shown = [...names].slice(0, mostNames).map((name) => JSON.stringify(name))
  const more = names.size > mostNames ? ` and ${names.size - mostNames} more` : ''
  const there = shown.length > 0 ? ` There are: ${shown.join(', ')}${more}.` : ''
  return new CfileError(
    'file_not_found',
    `There is no such file in the container ${containerId}.${there}`,
    { param: 'path' },
  )
}

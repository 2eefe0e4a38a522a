/**
 * Describes the files of a container for `GET /containers/{container_id}/files`, each with its link.
 *
 * @module
 */

import { findOriginals, nameInPath } from '../../core/api/container-files.ts'
import { listCopies } from '../archive/rows.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { createLinker } from '../links.ts'
import { displayName } from '../upstreams/file.ts'
import { type ContainerListing, type ListQuery, recordFiles } from './listing.ts'

/** A file of a container in our own API. */
export interface PresentedFile {
  readonly container_id: string
  readonly file_id: string
  readonly filename: string
  /** Full path in the container: `/mnt/data/…`. */
  readonly path: string
  readonly bytes: number | null
  /** Unix seconds, as `expires_at`. */
  readonly created_at: number
  /** `assistant`: written by code. `user`: an input file. */
  readonly source: string
  /** On an automatic copy of a plot that code also saved: id of the saved file. */
  readonly duplicate_of?: string
  readonly download_url: string
  readonly expires_at: number
  /** Whether the archive has a copy, which outlives the container. */
  readonly archived: boolean
}

/**
 * Describes the files of a listing and records them for their owner, so that each can be downloaded by its id alone.
 *
 * @param query the container, and the expiry of the link that was followed
 */
export async function describeListing(
  gateway: Gateway,
  caller: Caller,
  query: ListQuery,
  listing: ContainerListing,
): Promise<PresentedFile[]> {
  const { containerId, until } = query
  const records = await recordFiles(gateway, query, listing)
  const owner = listing.holder ?? caller
  const linker = createLinker(gateway, owner, listing.upstream.name, { until })
  const originals = findOriginals(listing.files)
  const copies =
    listing.holder === undefined ? [] : await listCopies(gateway, listing.holder, containerId)
  const archived = new Set(copies.map(({ id }) => id))
  return Promise.all(
    listing.files.map(async ({ id, path, bytes, created_at, source }) => {
      const filename = displayName(records.get(id)?.filename, nameInPath(path)) ?? id
      const duplicate_of = originals.get(id)
      const link = await linker.file({ container_id: containerId, file_id: id, filename })
      return {
        container_id: containerId,
        file_id: id,
        filename,
        path,
        bytes: bytes ?? null,
        created_at,
        source,
        ...(duplicate_of === undefined ? {} : { duplicate_of }),
        ...link,
        archived: archived.has(id),
      }
    }),
  )
}

/**
 * Present: a container's files as people and programs are shown them, each with its link.
 *
 * @module
 */

import { findOriginals } from '../../core/api/auto-plots.ts'
import { nameInPath } from '../../core/api/container-files.ts'
import { listCopies } from '../archive/rows.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { createLinker } from '../links.ts'
import { displayName } from '../upstreams/file.ts'
import { type ContainerListing, type ListQuery, recordFiles } from './listing.ts'

/** A file as `GET /containers/{container_id}/files` lists it. */
export interface PresentedFile {
  readonly container_id: string
  readonly file_id: string
  readonly filename: string
  /** As the upstream has it, below `/mnt/data/`. */
  readonly path: string
  readonly bytes: number | null
  /** Unix seconds, as `expires_at`. */
  readonly created_at: number
  /** `assistant`: code wrote it; `user`: an input. */
  readonly source: string
  /** On the automatic copy of a plot that was saved too: the id of the file with a name. */
  readonly duplicate_of?: string
  readonly download_url: string
  readonly expires_at: number
  /** Whether a copy is kept, which outlives the container. */
  readonly archived: boolean
}

/** Describes the files of a listing. For a caller each is recorded, so that it is served by its id alone. */
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

/**
 * Lists the files of a container that the caller may see, from the upstream, or from the archive after the container has
 * expired.
 *
 * Lists are cached for two seconds in `gateway.containers.listings`. Every request that may run code in a container
 * removes it from the cache.
 *
 * @module
 */

import type { ContainerFile } from '../../azure/operations.ts'
import { isGlued, nameInPath } from '../../core/api/container-files.ts'
import { type CfileError, isCfileError } from '../../core/errors.ts'
import { isContainerFileId } from '../../core/ids.ts'
import { startDeadline } from '../../core/time.ts'
import { listCopies } from '../archive/find.ts'
import type { Caller, Gateway, Upstream } from '../gateway.ts'
import { type ContainerView, rethrowMissing, viewContainer } from '../owners/access.ts'
import { type FileRecord, findRecord, putRecord } from '../owners/records.ts'
import { type Expiry, explainMissing, findExpiry } from '../upstreams/expiry.ts'
import { askInTurn, type FileLocation, upstreamsNamed } from '../upstreams/location.ts'

/** A request for the files of a container. */
export interface ListQuery {
  readonly containerId: string
  /** Name of the upstream, if a signed link contains it. */
  readonly upstream?: string
  /** Whether a signed link was followed, which grants access. */
  readonly isGranted: boolean
  /** Expiry of the followed link (unix second). Links to the found files expire no later. */
  readonly until?: number
  readonly signal: AbortSignal
}

/** The files of a container. */
export interface ContainerListing {
  readonly upstream: Upstream
  /** Newest first. Without the rows in which Azure joins several paths into one. */
  readonly files: readonly ContainerFile[]
  /** Owner for whom the files are recorded. Absent when an admin lists a container without an owner. */
  readonly holder?: Caller
  /** Whether the list comes from the cache, so that files written since may be missing. */
  readonly isCached: boolean
  /** Error of the upstream for an expired container; the files are its archived copies. */
  readonly expired?: CfileError
}

/**
 * Lists all files of a container that the caller may see.
 *
 * @param query the container, and whether a signed link grants it
 * @throws CfileError `container_not_found`, for containers of others without asking an upstream; `container_expired`
 * when the archive has no copies either
 */
export async function listFiles(
  gateway: Gateway,
  caller: Caller,
  query: ListQuery,
): Promise<ContainerListing> {
  const { containerId, isGranted, signal } = query
  const view = await viewContainer(gateway, caller, containerId, isGranted)
  const { holder, record } = view
  const upstreams = upstreamsNamed(gateway, query.upstream ?? record?.upstream)
  const { files, ...listing } = await readListing(gateway, upstreams, containerId, signal).catch(
    async (error) => {
      const location = { fileId: '', containerId, upstreams, isRecorded: record !== undefined }
      const explained = await explainMissing(gateway, location, error, signal)
      const expired =
        isCfileError(explained) && explained.code === 'container_expired' ? explained : undefined
      const [upstream] = upstreams
      const copies = expired && holder ? await listCopies(gateway, holder, containerId) : []
      if (upstream === undefined || copies.length === 0) {
        return rethrowMissing(gateway, 'container', explained)
      }
      return { upstream, files: copies, isCached: false, expired }
    },
  )
  return { ...listing, files: await visible(gateway, view, files), holder }
}

/**
 * Finds out when the container of a listing expires; `undefined` when that is not known.
 *
 * @param expired set when the upstream has said that the container expired
 */
export function expiryOfListing(
  gateway: Gateway,
  { containerId, signal }: Pick<ListQuery, 'containerId' | 'signal'>,
  { upstream, expired }: Pick<ContainerListing, 'upstream' | 'expired'>,
): Promise<Expiry | undefined> {
  return findExpiry(gateway, { containerId, upstream, isExpired: expired !== undefined }, signal)
}

/**
 * Returns the location of a file of a listing.
 *
 * @param containerId the container of the listing
 */
export function locationOf(
  containerId: string,
  { upstream, holder }: Pick<ContainerListing, 'upstream' | 'holder'>,
  { id, path, bytes, created_at }: Pick<ContainerFile, 'id' | 'path' | 'bytes' | 'created_at'>,
): FileLocation {
  const record = {
    container_id: containerId,
    stored_name: nameInPath(path),
    bytes: bytes ?? undefined,
    seen_at: created_at,
  }
  return { fileId: id, containerId, upstreams: [upstream], record, holder, isRecorded: true }
}

// Short, since the next turn may overwrite a file. It serves the requests of one page view.
const secondsKept = 2
const mostKept = 100

type WholeListing = Omit<ContainerListing, 'holder'>
type FreshListing = Omit<WholeListing, 'isCached'>

/** Returns the cached list of a container, or reads it from the upstream. */
async function readListing(
  gateway: Gateway,
  upstreams: readonly Upstream[],
  containerId: string,
  signal: AbortSignal,
): Promise<WholeListing> {
  const known = gateway.containers.listings.get(containerId)
  if (known !== undefined && gateway.runtime.now() < known.until)
    return { upstream: known.upstream, files: known.files, isCached: true }
  const listing = await readPages(upstreams, containerId, signal)
  keep(gateway, containerId, listing)
  return { ...listing, isCached: false }
}

/** Caches the list of a container and drops the oldest entry of a full cache. */
function keep(gateway: Gateway, containerId: string, listing: FreshListing): void {
  const { listings } = gateway.containers
  listings.delete(containerId)
  listings.set(containerId, { ...listing, until: gateway.runtime.now() + secondsKept })
  const [oldest] = listings.keys()
  if (listings.size > mostKept && oldest !== undefined) listings.delete(oldest)
}

/**
 * Removes a container from the cache, since code may have written files.
 *
 * @param containerId the container in which code may have run
 */
export function dropListing({ containers }: Gateway, containerId: string): void {
  containers.listings.delete(containerId)
}

// Pages of 100 files. Far more than any known container has; it stops at an upstream that repeats pages.
const mostPages = 200

/** Reads all pages of the list of a container. */
async function readPages(
  upstreams: readonly Upstream[],
  containerId: string,
  signal: AbortSignal,
): Promise<FreshListing> {
  const { upstream, found } = await askInTurn(upstreams, (client) =>
    client.listContainerFiles(containerId, { signal }),
  )
  const files = new Map<string, ContainerFile>()
  let page = found
  for (let pages = 1; ; pages += 1) {
    const before = files.size
    for (const file of page.data) if (isContainerFileId(file.id)) files.set(file.id, file)
    const after = page.last_id ?? page.data.at(-1)?.id
    if (!page.has_more || after === undefined || files.size === before || pages === mostPages) {
      break
    }
    page = await upstream.client.listContainerFiles(containerId, { signal, after })
  }
  return { upstream, files: [...files.values()].filter((file) => !isGlued(file)) }
}

/** Filters the files of a shared container: each owner sees only files with a record of their own. */
async function visible(
  gateway: Gateway,
  { holder, isShared }: ContainerView,
  files: readonly ContainerFile[],
): Promise<readonly ContainerFile[]> {
  if (!isShared) return files
  const records = await findFileRecords(gateway, holder, files)
  return files.filter(({ id }) => records.has(id))
}

/** Reads the holder's records of files, by file id. */
async function findFileRecords(
  gateway: Gateway,
  holder: Caller | undefined,
  files: readonly ContainerFile[],
): Promise<ReadonlyMap<string, FileRecord>> {
  if (holder === undefined) return new Map()
  const records = files.map(({ id }) => findRecord(gateway, holder, 'file', id))
  const found = await Promise.all(records)
  return new Map(
    files.flatMap(({ id }, index) => {
      const record = found[index]
      return record === undefined ? [] : [[id, record]]
    }),
  )
}

/**
 * Records the files of a listing for their owner, so that each can be downloaded by its id alone. Existing records are
 * kept. Nothing is recorded for a signed link, which may outlive an owner whose records were erased.
 *
 * @param isGranted whether a signed link was followed
 * @returns the record of each file by its id, including those that were not stored
 */
export async function recordFiles(
  gateway: Gateway,
  { containerId, isGranted }: Pick<ListQuery, 'containerId' | 'isGranted'>,
  { upstream, files, holder }: Omit<ContainerListing, 'isCached'>,
): Promise<ReadonlyMap<string, FileRecord>> {
  const known = await findFileRecords(gateway, holder, files)
  const place = {
    upstream: upstream.name,
    container_id: containerId,
    seen_at: gateway.runtime.now(),
  }
  const records = files.map(async ({ id, path, bytes }): Promise<[string, FileRecord]> => {
    const record = known.get(id)
    if (record !== undefined) return [id, record]
    const found = { ...place, stored_name: nameInPath(path), bytes: bytes ?? undefined }
    if (holder !== undefined && !isGranted) await putRecord(gateway, holder, 'file', id, found)
    return [id, found]
  })
  return new Map(await Promise.all(records))
}

// Short, since an answer waits for it.
const sizesTimeoutMs = 10_000

/**
 * Reads the sizes (bytes) of the files of a container by file id. Empty when listing fails or takes too long.
 *
 * @param upstream name of the upstream, if known
 */
export async function readFileSizes(
  gateway: Gateway,
  caller: Caller,
  { containerId, upstream }: Pick<ListQuery, 'containerId' | 'upstream'>,
): Promise<ReadonlyMap<string, number>> {
  const { signal, clear } = startDeadline(gateway.runtime.wait, sizesTimeoutMs)
  try {
    const query = { containerId, upstream, isGranted: true, signal }
    const { files } = await listFiles(gateway, caller, query)
    return new Map(files.flatMap(({ id, bytes }) => (bytes === null ? [] : [[id, bytes]])))
  } catch (error) {
    gateway.log('warn', 'A container could not be listed, so its pictures stay in the answer.', {
      cause: String(error),
    })
    return new Map()
  } finally {
    clear()
  }
}

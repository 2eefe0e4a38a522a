/**
 * Files: what a container holds, as far as the caller may see it.
 *
 * @module
 */

import type { ContainerFile } from '../../azure/operations.ts'
import { isGlued, nameInPath } from '../../core/api/container-files.ts'
import { type CfileError, isCfileError } from '../../core/errors.ts'
import { isContainerFileId } from '../../core/ids.ts'
import { listCopies } from '../archive/rows.ts'
import type { Caller, Gateway, Upstream } from '../gateway.ts'
import { type ContainerView, rethrowMissing, viewContainer } from '../owners/access.ts'
import { type FileRecord, findRecord, putRecord } from '../owners/records.ts'
import { askInTurn } from '../upstreams/ask.ts'
import { explainMissing } from '../upstreams/expired.ts'
import { type FileLocation, upstreamsNamed } from '../upstreams/location.ts'

/** Which container, and how it is asked for. */
export interface ListQuery {
  readonly containerId: string
  /** The name of the upstream, where a link says it. */
  readonly upstream?: string
  /** Whether a signed link asks, which is itself the permission. */
  readonly isGranted: boolean
  /** The unix second that no link to what is found outlives: the expiry of the link that asks. */
  readonly until?: number
  readonly signal: AbortSignal
}

/** What a container holds. */
export interface ContainerListing {
  readonly upstream: Upstream
  /** Newest first; rows of several paths glued together are left out. */
  readonly files: readonly ContainerFile[]
  /** For whom its files are recorded; absent where an admin looks at what is nobody's. */
  readonly holder?: Caller
  /** Whether it was read a moment ago, so that it may lack what was written since. */
  readonly isRemembered: boolean
  /** What the upstream said of a container that is gone; these files are the copies of it. */
  readonly gone?: CfileError
}

/**
 * Lists all files of a container that the caller may see.
 *
 * @throws CfileError `container_not_found`, without asking upstream where it is not the caller's; `container_expired`
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
      const location = { fileId: '', containerId, upstreams, recorded: record !== undefined }
      const explained = await explainMissing(gateway, location, error, signal)
      const gone =
        isCfileError(explained) && explained.code === 'container_expired' ? explained : undefined
      const [upstream] = upstreams
      const copies = gone && holder ? await listCopies(gateway, holder, containerId) : []
      if (upstream === undefined || copies.length === 0) {
        return rethrowMissing(gateway, 'container', explained)
      }
      return { upstream, files: copies, isRemembered: false, gone }
    },
  )
  return { ...listing, files: await visible(gateway, view, files), holder }
}

/** Where a file of a listing is. */
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
  return { fileId: id, containerId, upstreams: [upstream], record, holder, recorded: true }
}

// A later turn may write the same name again, so it is kept only for the clicks that come together.
const secondsKept = 2
const mostKept = 100

type WholeListing = Omit<ContainerListing, 'holder'>
type FreshListing = Omit<WholeListing, 'isRemembered'>

interface KeptListing extends FreshListing {
  readonly until: number
}

const kept = new WeakMap<Gateway, Map<string, KeptListing>>()

async function readListing(
  gateway: Gateway,
  upstreams: readonly Upstream[],
  containerId: string,
  signal: AbortSignal,
): Promise<WholeListing> {
  const known = keptBy(gateway).get(containerId)
  if (known !== undefined && gateway.runtime.now() < known.until)
    return { upstream: known.upstream, files: known.files, isRemembered: true }
  const listing = await readPages(upstreams, containerId, signal)
  keep(gateway, containerId, listing)
  return { ...listing, isRemembered: false }
}

function keep(gateway: Gateway, containerId: string, listing: FreshListing): void {
  const listings = keptBy(gateway)
  listings.delete(containerId)
  listings.set(containerId, { ...listing, until: gateway.runtime.now() + secondsKept })
  const [oldest] = listings.keys()
  if (listings.size > mostKept && oldest !== undefined) listings.delete(oldest)
}

function keptBy(gateway: Gateway): Map<string, KeptListing> {
  const listings = kept.get(gateway) ?? new Map()
  kept.set(gateway, listings)
  return listings
}

/** Has a container listed anew: more may have been written there. */
export function forgetListing(gateway: Gateway, containerId: string): void {
  keptBy(gateway).delete(containerId)
}

// 100 files a page: more than a container was ever seen to hold, and an end for an upstream that repeats itself.
const mostPages = 200

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

/** Of a container that several owners share, each sees what was recorded for the own self. */
async function visible(
  gateway: Gateway,
  { holder, isShared }: ContainerView,
  files: readonly ContainerFile[],
): Promise<readonly ContainerFile[]> {
  if (!isShared) return files
  const records = await findFileRecords(gateway, holder, files)
  return files.filter(({ id }) => records.has(id))
}

/** What is recorded of files for their holder, by id. */
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
 * Records the files of a listing for their holder, so that each is served by its id alone. Existing records stay. A
 * signed link only reads: it may outlive its owner, whose records were erased for good.
 *
 * @returns what is known of each file, by id
 */
export async function recordFiles(
  gateway: Gateway,
  { containerId, isGranted }: Pick<ListQuery, 'containerId' | 'isGranted'>,
  { upstream, files, holder }: Omit<ContainerListing, 'isRemembered'>,
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

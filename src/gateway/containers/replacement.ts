/**
 * Replaces an expired container: creates a new one and uploads the archived copies of its files.
 *
 * Keys in the store: `replaced/{old}/{owner}` leads to the new container, `replaces/{new}/{owner}` back to the old one,
 * and `making/{new}` marks a container that is being filled, so that it is deleted if the process ends.
 * `unreplaced/{old}/{owner}` marks a failed replacement, for the requests that wait for it.
 *
 * @module
 */

import * as z from 'zod/mini'
import type { ContainerFile } from '../../azure/operations.ts'
import { CfileError } from '../../core/errors.ts'
import { once } from '../../core/once.ts'
import type { Json } from '../../stores/store.ts'
import { listCopies } from '../archive/find.ts'
import type { Caller, Gateway, Upstream } from '../gateway.ts'
import { withLease } from '../lease.ts'
import { notThere, viewContainer } from '../owners/access.ts'
import { recordPlace } from '../owners/records.ts'
import { upstreamsNamed } from '../upstreams/location.ts'
import {
  checkUploads,
  createLike,
  deleteContainer,
  findContainer,
  uploadAll,
} from './new-container.ts'

/** A container that replaces another. */
interface Replacement {
  readonly containerId: string
  /** The copies that it holds, oldest first. */
  readonly files: readonly ContainerFile[]
}

/** The replacement of a container, and whether this call created it. */
interface ReplacementResult {
  readonly containerId: string
  readonly isNew: boolean
}

// The lifetime of container records, because later turns may come days after the first.
const rememberedSeconds = 90 * 24 * 3600
const makingSeconds = 24 * 3600
const lookEverySeconds = 15
const waitForOtherMs = 200
const mostWaits = 600
const failureSeconds = 600

const replacedSchema = once(() => z.object({ container_id: z.string(), replaces: z.string() }))
const makingSchema = once(() =>
  z.object({
    container_id: z.string(),
    upstream: z.string(),
    /** Key of the lease of the process that fills it. */
    lease: z.string(),
  }),
)
const makingPrefix = 'making/'

const replacedKey = (id: string, { key }: Caller): string => `replaced/${id}/${key}`
const leaseKey = (id: string, { key }: Caller): string => `lease/replace/${id}/${key}`
const failedKey = (id: string, { key }: Caller): string => `unreplaced/${id}/${key}`
const originKey = (id: string, { key }: Caller): string => `replaces/${id}/${key}`

/**
 * Finds the newest replacement of a container for the caller, also after several replacements.
 *
 * @param id the container that a request names
 * @returns the id of the newest one; `undefined` when it was never replaced
 */
export async function findReplacement(
  gateway: Gateway,
  caller: Caller,
  id: string,
): Promise<string | undefined> {
  const seen = new Set([id])
  let newest: string | undefined
  for (let next: string | undefined = id; next !== undefined; ) {
    const value: Json | undefined = await gateway.store.get(replacedKey(next, caller))
    next = z.safeParse(replacedSchema(), value).data?.container_id
    if (next === undefined || seen.has(next)) break
    seen.add(next)
    newest = next
  }
  return newest
}

/**
 * Creates the replacement of an expired container that has none yet. Concurrent requests, also on other instances,
 * share one replacement. Later requests find it with {@link findReplacement}.
 *
 * @param expired the expired container, and the upstream that had it
 * @returns the id of the new container, and whether this call made it
 * @throws CfileError `container_expired` when the caller has no copies of its files; `upstream_error` and others when
 * the container cannot be created or filled. In that case it is deleted again.
 */
export async function replaceContainer(
  gateway: Gateway,
  caller: Caller,
  expired: ExpiredContainer,
  signal: AbortSignal,
): Promise<ReplacementResult> {
  const { store, runtime } = gateway
  const { id } = expired
  const failure = failedKey(id, caller)
  const earlierFailure = await store.get(failure)
  for (let waits = 0; waits < mostWaits; waits += 1) {
    // Another request may have been faster since this one was refused.
    const other = await findReplacement(gateway, caller, id)
    if (other !== undefined) return { containerId: other, isNew: false }
    if ((await store.get(failure)) !== earlierFailure) throw failedForOther()
    let replacement: Replacement | undefined
    await withLease(gateway, leaseKey(id, caller), async () => {
      if ((await findReplacement(gateway, caller, id)) !== undefined) return
      if ((await store.get(failure)) !== earlierFailure) return
      replacement = await makeReplacement(gateway, caller, expired, signal)
    })
    if (replacement !== undefined) return { containerId: replacement.containerId, isNew: true }
    await runtime.wait(waitForOtherMs, signal)
  }
  throw new CfileError('upstream_timeout', 'Another request is still making the new container.')
}

/** Creates a container and stores that it replaces the expired one, or that this failed. */
async function makeReplacement(
  gateway: Gateway,
  caller: Caller,
  expired: ExpiredContainer,
  signal: AbortSignal,
): Promise<Replacement> {
  const { store, runtime } = gateway
  const { id } = expired
  try {
    return await createFilled(gateway, caller, expired, signal, async (containerId) => {
      const value = { container_id: containerId, replaces: id }
      await store.put(originKey(containerId, caller), value, { ttl: rememberedSeconds })
      await store.put(replacedKey(id, caller), value, { ttl: rememberedSeconds })
    })
  } catch (error) {
    // The other requests continue when the client of this one has left.
    if (!signal.aborted) {
      const note = runtime.newToken()
      await store.put(failedKey(id, caller), note, { ttl: failureSeconds }).catch(() => {})
    }
    throw error
  }
}

/** An expired container, and the upstream that had it. */
interface ExpiredContainer {
  readonly id: string
  readonly upstream: Upstream
}

/**
 * Creates a container with the caller's copies of an expired one on request, even if it was replaced before. If the old
 * container still runs, turns that name it keep using it.
 *
 * @param id the container whose files are wanted
 * @throws CfileError `container_not_found` for containers of others, and the errors of {@link replaceContainer}
 */
export async function restoreContainer(
  gateway: Gateway,
  caller: Caller,
  id: string,
  signal: AbortSignal,
): Promise<Replacement> {
  const { holder, record } = await viewContainer(gateway, caller, id)
  const [upstream] = upstreamsNamed(gateway, record?.upstream)
  if (holder === undefined || upstream === undefined) throw notThere('container')
  const newest = (await findReplacement(gateway, holder, id)) ?? id
  const expired = { id: newest, upstream }
  if (await isRunning(expired, signal)) return createFilled(gateway, holder, expired, signal)
  const { containerId } = await replaceContainer(gateway, holder, expired, signal)
  return { containerId, files: await listAllCopies(gateway, holder, newest) }
}

/**
 * Whether the upstream still runs a container.
 *
 * @returns false also for a container that the upstream does not know
 * @throws CfileError the errors of the upstream with status 500 and above
 */
export async function isRunning(
  { id, upstream }: ExpiredContainer,
  signal: AbortSignal,
): Promise<boolean> {
  return (await findContainer(upstream, id, signal))?.status === 'running'
}

/**
 * Creates, fills and records a container. Deletes it again when a step fails.
 *
 * @param remember called with the id of the filled container
 */
async function createFilled(
  gateway: Gateway,
  caller: Caller,
  { id, upstream }: ExpiredContainer,
  signal: AbortSignal,
  remember: (containerId: string) => Promise<void> = async () => {},
): Promise<Replacement> {
  const files = await listAllCopies(gateway, caller, id)
  if (files.length === 0) throw nothingArchived(id)
  checkUploads(files)
  const containerId = await createLike(upstream, id, signal)
  const making = makingPrefix + containerId
  const lease = leaseKey(id, caller)
  const note = { container_id: containerId, upstream: upstream.name, lease }
  try {
    await gateway.store.put(making, note, { ttl: makingSeconds })
    await uploadAll(gateway, caller, { upstream, containerId, files }, signal)
    await recordPlace(gateway, { caller, upstream: upstream.name }, 'container', containerId)
    await remember(containerId)
    return { containerId, files }
  } catch (error) {
    await deleteContainer(upstream, containerId)
    throw error
  } finally {
    await gateway.store.delete(making).catch(() => {})
  }
}

/**
 * Lists the caller's copies of the files of a container and of the containers that it replaced, oldest first. For each
 * path only the newest copy.
 */
async function listAllCopies(
  gateway: Gateway,
  caller: Caller,
  id: string,
): Promise<readonly ContainerFile[]> {
  const rows: ContainerFile[] = []
  const seen = new Set<string>()
  for (let next: string | undefined = id; next !== undefined && !seen.has(next); ) {
    seen.add(next)
    rows.push(...(await listCopies(gateway, caller, next)))
    const value: Json | undefined = await gateway.store.get(originKey(next, caller))
    next = z.safeParse(replacedSchema(), value).data?.replaces
  }
  const byPath = new Map<string, ContainerFile>()
  for (const row of rows.toSorted((one, other) => one.created_at - other.created_at)) {
    byPath.delete(row.path)
    byPath.set(row.path, row)
  }
  return [...byPath.values()]
}

/** Deletes containers that a process had begun to fill when it ended. Never throws. */
export async function removeOrphans(gateway: Gateway): Promise<void> {
  const { replacing } = gateway.containers
  if (gateway.runtime.now() < replacing.dueAt) return
  replacing.dueAt = gateway.runtime.now() + lookEverySeconds
  try {
    for (const { key, value } of await gateway.store.list(makingPrefix, { limit: 100 })) {
      const making = z.safeParse(makingSchema(), value).data
      if (making !== undefined && (await gateway.store.get(making.lease)) !== undefined) continue
      const upstream = gateway.upstreams.find(({ name }) => name === making?.upstream)
      if (upstream !== undefined && making !== undefined)
        await deleteContainer(upstream, making.container_id)
      await gateway.store.delete(key)
    }
  } catch (error) {
    gateway.log('warn', 'Unfinished containers could not be looked up; cfile will try again.', {
      cause: String(error),
    })
  }
}

/** The error for requests that waited for another request, which could not replace the container. */
function failedForOther(): CfileError {
  return new CfileError(
    'upstream_error',
    'Another request could not make the new container; the log has its cause.',
  )
}

/** The error for a container of which the caller has no copies. */
function nothingArchived(id: string): CfileError {
  return new CfileError(
    'container_expired',
    `Nothing of the container ${id} was archived for you.`,
    {
      hint: 'To keep files for longer, copy them before their container expires: set CFILE_ARCHIVE.',
    },
  )
}

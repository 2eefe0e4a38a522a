/**
 * Finds archived copies for downloads and lists, and calls the archive within a time limit. A request that the upstream can
 * serve does not fail because the archive fails or is slow.
 *
 * The store has a row for each copy of a container file, `archived/{container}/{owner}/{file}`, so that the files of an
 * expired container can be listed and found by their paths.
 *
 * @module
 */

import * as z from 'zod/mini'
import type { Archive, ArchivedFile, ArchiveRecord } from '../../archives/archive.ts'
import type { ContainerFile } from '../../azure/operations.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import { once } from '../../core/once.ts'
import { within } from '../../core/time.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { listEntries } from '../owners/records.ts'
import { type Archiving, isExpired } from './state.ts'

// Milliseconds that a download waits for the archive before it asks the upstream. Shorter after a recent failure.
const usualLimitMs = 2000
const failingLimitMs = 250
// For a file that only the archive can have.
const lastLimitMs = 10_000

/**
 * Finds the caller's copy of a file. `undefined` without a copy, and if the archive does not answer in time.
 *
 * @param caller the owner of the copy
 * @param signal aborts when the client leaves; only then does it throw
 */
export async function findCopy(
  gateway: Gateway,
  caller: Caller,
  fileId: string,
  signal: AbortSignal,
): Promise<ArchivedFile | undefined> {
  const { archiving } = gateway
  if (archiving === undefined) return undefined
  const limitMs = archiving.state.failing.has('read') ? failingLimitMs : usualLimitMs
  try {
    return await readCopy(gateway, caller.key, fileId, signal, limitMs)
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}

/**
 * Finds the caller's copy of a file that no upstream has any longer. `undefined` without a copy.
 *
 * @param caller the owner of the copy
 * @throws CfileError `not_ready` if the archive does not answer
 */
export async function findLastCopy(
  gateway: Gateway,
  caller: Caller,
  fileId: string,
  signal: AbortSignal,
): Promise<ArchivedFile | undefined> {
  return readCopy(gateway, caller.key, fileId, signal, lastLimitMs).catch((cause) => {
    signal.throwIfAborted()
    throw new CfileError(
      'not_ready',
      'The container is gone, and the archive that may have a copy of the file does not answer.',
      { hint: 'Ask again in a while.', headers: { 'retry-after': '5' }, cause },
    )
  })
}

/**
 * Reads the entry of a copy within a time limit. `undefined` without a copy.
 *
 * @param owner key of the owner
 * @param limitMs milliseconds
 * @throws the error of the archive, or that of the time limit
 */
export function readCopy(
  gateway: Gateway,
  owner: string,
  fileId: string,
  signal: AbortSignal,
  limitMs: number,
): Promise<ArchivedFile | undefined> {
  return callArchive(gateway, { direction: 'read', limitMs, signal }, (archive, limited) =>
    archive.get(`${owner}/${fileId}`, { signal: limited }),
  )
}

/**
 * Tests whether the archive can be read and written. `undefined` without an archive.
 *
 * @returns `failing` also before the first write has succeeded
 */
export async function archiveStatus(
  gateway: Gateway,
  signal: AbortSignal,
): Promise<'ok' | 'failing' | undefined> {
  const { archiving } = gateway
  if (archiving === undefined) return undefined
  await Promise.all([
    tryArchive(gateway, archiving, signal),
    // Without downloads, only this read notices that the archive works again.
    findCopy(gateway, { owner: '', admin: false, key: 'readyz' }, 'readyz', signal),
  ])
  const { failing, isProven } = archiving.state
  return isProven && failing.size === 0 ? 'ok' : 'failing'
}

const probe = 'readyz/probe'
const trialEverySeconds = 15

/** Writes and erases a copy of one byte, unless the last write succeeded or a trial is less than 15 s old. Never throws. */
async function tryArchive(
  gateway: Gateway,
  { state }: Archiving,
  signal: AbortSignal,
): Promise<void> {
  const { now } = gateway.runtime
  const isKnown = state.isProven && !state.failing.has('write')
  if (isKnown || now() < state.trialAt) return
  state.trialAt = now() + trialEverySeconds
  const call = { direction: 'write', limitMs: usualLimitMs, signal } as const
  await callArchive(gateway, call, async (archive, limited) => {
    const meta = { owner: 'readyz', file_id: 'probe' }
    await archive.put(probe, new Blob(['.']).stream(), meta, { bytes: 1, signal: limited })
    await archive.delete(probe, { signal: limited })
  }).catch(() => {})
}

/** A call to the archive. */
interface ArchiveCall {
  /** Direction of the operation. */
  readonly direction: 'read' | 'write'
  /** Time limit in milliseconds, because an engine may hang. */
  readonly limitMs: number
  /** The caller's signal. An abort by it is no failure of the archive. */
  readonly signal: AbortSignal
  /** Whether an error counts as a failure of the archive. @default every error does */
  readonly isArchiveError?: (error: unknown) => boolean
}

/**
 * Calls the archive within a time limit, and notes whether it works.
 *
 * @param task the operation; its signal fires at the limit
 * @returns `undefined` without an archive
 * @throws the error of the task, or that of the time limit
 */
export async function callArchive<T>(
  gateway: Gateway,
  { direction, limitMs, signal, isArchiveError = () => true }: ArchiveCall,
  task: (archive: Archive, signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const { archiving, runtime } = gateway
  if (archiving === undefined) return undefined
  try {
    const done = await within(runtime.wait, limitMs, signal, (limited) =>
      task(archiving.archive, limited),
    )
    archiving.state.failing.delete(direction)
    if (direction === 'write') archiving.state.isProven = true
    return done
  } catch (error) {
    if (!signal.aborted && isArchiveError(error)) noteFailure(gateway, direction, error)
    throw error
  }
}

/**
 * Counts a failure of the archive. Logs it once until the archive works again.
 *
 */
export function noteFailure(
  { archiving, log, observed: { metrics } }: Gateway,
  direction: 'read' | 'write',
  error: unknown,
): void {
  metrics.add('cfile_archive_errors_total')
  const { failing } = archiving?.state ?? { failing: new Set() }
  const level = failing.has(direction) ? 'debug' : 'error'
  failing.add(direction)
  log(level, `The archive failed at a ${direction}; the upstream serves what it still has.`, {
    setting: 'CFILE_ARCHIVE',
    cause: String(error),
    hint: isCfileError(error) ? error.details.hint : undefined,
  })
}

const keyOf = (containerId: string, owner: string, fileId: string): string =>
  `archived/${containerId}/${owner}/${fileId}`

const rowSchema = once(() =>
  z.object({
    id: z.string(),
    path: z.string(),
    bytes: z.nullable(z.number()),
    source: z.string(),
    created_at: z.number(),
    /** Unix second at which the copy was made; absent in rows of older versions. */
    stored_at: z.optional(z.number()),
  }),
)

/**
 * Adds the row of a copy.
 *
 * @param stored_at unix second at which the copy was made
 */
export async function addRow(
  { store, archiving, runtime: { now } }: Gateway,
  { bytes, meta }: ArchiveRecord,
  stored_at: number = now(),
): Promise<void> {
  const { container_id, owner, file_id: id, name = id } = meta
  if (container_id === undefined) return
  const { path = `/mnt/data/${name}`, source = 'assistant', created_at = 0 } = meta
  const row = { id, path, bytes, source, created_at, stored_at }
  const ttl = archiving?.ttl ? archiving.ttl : undefined
  await store.put(keyOf(container_id, owner, id), row, { ttl })
}

/**
 * Removes the row of a copy.
 *
 * @param owner key of the owner
 */
export async function removeRow(
  { store }: Gateway,
  owner: string,
  containerId: string,
  fileId: string,
): Promise<void> {
  await store.delete(keyOf(containerId, owner, fileId))
}

/**
 * Lists the caller's copies of the files of a container, in the shape of the container's own list, newest first.
 *
 * @param containerId a container that may have expired
 * @returns none without an archive; expired copies are left out
 */
export async function listCopies(
  gateway: Gateway,
  { key }: Caller,
  containerId: string,
): Promise<readonly ContainerFile[]> {
  const { archiving, runtime } = gateway
  if (archiving === undefined) return []
  const rows: z.infer<ReturnType<typeof rowSchema>>[] = []
  for await (const { value } of listEntries(gateway, keyOf(containerId, key, ''))) {
    const { data } = z.safeParse(rowSchema(), value)
    if (data !== undefined) rows.push(data)
  }
  const now = runtime.now()
  return rows
    .filter(({ stored_at }) => stored_at === undefined || !isExpired(archiving, stored_at, now))
    .toSorted((one, other) => other.created_at - one.created_at)
}

/**
 * Copies one file into the archive, from its upstream or from another owner's copy.
 *
 * @module
 */

import type { ArchivedFile, ArchiveMeta } from '../../archives/archive.ts'
import { DamagedCopy } from '../../core/bytes/failures.ts'
import type { ByteReader } from '../../core/bytes/reader.ts'
import { CfileError } from '../../core/errors.ts'
import type { Gateway, Upstream } from '../gateway.ts'
import { callerOfKey } from '../owners/access.ts'
import { listOwners } from '../owners/records.ts'
import { upstreamFile } from '../upstreams/file.ts'
import { type FileLocation, upstreamsNamed } from '../upstreams/location.ts'
import type { FileFacts } from '../upstreams/opened-file.ts'
import { discardCopy, isErased, removeCopy } from './erase.ts'
import { addRow, callArchive, readCopy } from './find.ts'
import type { PendingCopy, WantedCopy } from './state.ts'

/** The bytes for a copy. */
interface CopyBody {
  readonly reader: ByteReader
  /** Absent if the length is unknown. */
  readonly bytes?: number
  readonly meta: ArchiveMeta
}

/**
 * Copies a file, unless it has a copy. If another owner has a copy of the same file, that one is copied, so that the
 * upstream sends a file once even if several owners cite it.
 *
 * @param pending the file, and the owner for whom it is copied
 * @param signal aborts when the process ends
 * @throws CfileError `file_too_large`, `container_expired` and others of the upstream; the queue decides whether to try
 * again
 */
export async function copyFile(
  gateway: Gateway,
  pending: PendingCopy,
  signal: AbortSignal,
): Promise<void> {
  const copy = await readCopy(gateway, pending.owner, pending.file_id, signal, lookupMs(gateway))
  // The row is written again, because the process that made the copy may have ended before it wrote the row.
  if (copy !== undefined) return addRow(gateway, copy, copy.storedAt)
  const found = await openOtherCopy(gateway, pending, signal)
  await keepCopy(gateway, pending, found ?? (await openUpstream(gateway, pending, signal)), signal)
}

/** Milliseconds in which a copy is looked up. */
function lookupMs({ bounds }: Gateway): number {
  return 2 * bounds.idleTimeoutMs
}

const mostOwners = 20

/** Opens the copy that another owner has of the same file of the same container. `undefined` without one. */
async function openOtherCopy(
  gateway: Gateway,
  { owner, file_id, container_id, filename }: PendingCopy,
  signal: AbortSignal,
): Promise<CopyBody | undefined> {
  for (const other of await listOwners(gateway, 'file', file_id, mostOwners)) {
    if (other === owner) continue
    const copy = await readCopy(gateway, other, file_id, signal, lookupMs(gateway))
    if (copy === undefined || copy.meta.container_id !== container_id) continue
    const { bytes, meta } = copy
    const own = { ...meta, owner, name: filename ?? meta.name }
    const reader = await openCopy(gateway, copy, signal)
    if (reader !== undefined) return { bytes, meta: own, reader }
  }
  return undefined
}

/** Opens a copy. `undefined` if it is damaged; then it is discarded. */
async function openCopy(
  gateway: Gateway,
  copy: ArchivedFile,
  signal: AbortSignal,
): Promise<ByteReader | undefined> {
  const discard = async (error: unknown): Promise<void> => {
    if (!(error instanceof DamagedCopy)) throw error
    await discardCopy(gateway, copy, error)
  }
  try {
    const reader = readAll(gateway, await copy.open({ signal }))
    const read = () =>
      reader.read().catch((error) => discard(error).then(() => Promise.reject(error)))
    return { ...reader, read }
  } catch (error) {
    await discard(error)
    return undefined
  }
}

/**
 * Opens the file at its upstream.
 *
 * @throws CfileError `file_too_large` above `CFILE_MAX_FILE_BYTES`, and those of the upstream
 */
async function openUpstream(
  gateway: Gateway,
  { owner, file_id, container_id, upstream, filename }: PendingCopy,
  signal: AbortSignal,
): Promise<CopyBody> {
  const location: FileLocation = {
    fileId: file_id,
    containerId: container_id,
    upstreams: upstreamsNamed(gateway, upstream),
    filename,
    holder: callerOfKey(owner),
    isRecorded: true,
  }
  const file = await upstreamFile(gateway, location, signal).open()
  const { facts } = file
  const { bytes } = facts
  if (bytes !== undefined && bytes > gateway.bounds.maxFileBytes) {
    await file.cancel()
    throw new CfileError('file_too_large', `The file has ${bytes} bytes, which is too much.`)
  }
  return {
    reader: file.read(),
    bytes,
    meta: await metaOf(facts.upstream, { owner, file_id, container_id }, facts, signal),
  }
}

/**
 * The metadata of a copy. The file's row in the container is read now, because it disappears with the container.
 *
 * @param upstream the upstream that served the file; `undefined` when it came from another copy
 * @param signal aborts the copy
 * @returns metadata without path and source for a file that is in no container, or whose row cannot be read
 */
export async function metaOf(
  upstream: Upstream | undefined,
  { owner, file_id, container_id }: Pick<WantedCopy, 'owner' | 'file_id' | 'container_id'>,
  { filename: name, type }: FileFacts,
  signal: AbortSignal,
): Promise<ArchiveMeta> {
  const file = { owner, file_id, container_id, upstream: upstream?.name, name, type }
  if (container_id === undefined || upstream === undefined) return file
  const row = await upstream.client
    .getContainerFile(container_id, file_id, { signal })
    .catch(() => undefined)
  return { ...file, path: row?.path, source: row?.source, created_at: row?.created_at }
}

/** Reads a stream to its end. Pieces are as large as the stream gives them. */
function readAll(
  { runtime: { carrier } }: Gateway,
  stream: ReadableStream<Uint8Array>,
): ByteReader {
  const { read, cancel } = carrier.read({ body: stream })
  return { read: () => read(Number.MAX_SAFE_INTEGER), cancel }
}

/**
 * Writes a copy, and removes it again if the file was erased meanwhile.
 *
 * @param pending the file and its owner, which make the key `{owner}/{file_id}`
 * @param signal aborts the copy
 * @throws the error of the body, of the archive, or of the time limit
 */
export async function keepCopy(
  gateway: Gateway,
  pending: PendingCopy,
  { reader, bytes, meta }: CopyBody,
  signal: AbortSignal,
): Promise<void> {
  let bodyError: unknown
  // An error of the body does not count as the archive's.
  const read = async () => {
    try {
      return await reader.read()
    } catch (error) {
      bodyError = error
      throw error
    }
  }
  const body = gateway.runtime.carrier.stream({ ...reader, read })
  const { idleTimeoutMs, maxFileBytes } = gateway.bounds
  // A copy at less than 200 KB a second would not be complete before its container expires.
  const limitMs = 2 * idleTimeoutMs + (bytes ?? maxFileBytes) / 200
  const call = {
    direction: 'write',
    limitMs,
    signal,
    isArchiveError: (error: unknown) => error !== bodyError,
  } as const
  const key = `${pending.owner}/${pending.file_id}`
  const record = await callArchive(gateway, call, (archive, limited) =>
    archive.put(key, body, meta, { bytes, signal: limited }),
  )
  if (record !== undefined) await addRow(gateway, record)
  if (await isErased(gateway, pending)) await removeCopy(gateway, pending, signal)
}

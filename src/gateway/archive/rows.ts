/**
 * Rows of archived copies in the store, so that the files of an expired container can be listed and found by their paths.
 *
 * @module
 */

import type { ArchiveRecord } from '../../archives/archive.ts'
import type { ContainerFile } from '../../azure/operations.ts'
import type { Json } from '../../stores/store.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { isExpired } from './state.ts'

const keyOf = (containerId: string, owner: string, fileId: string): string =>
  `archived/${containerId}/${owner}/${fileId}`

interface CopyRow extends ContainerFile {
  /** Unix second at which the copy was made; absent in rows of older versions. */
  readonly stored_at?: number
}

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
  const row: CopyRow = { id, path, bytes, source, created_at, stored_at }
  const ttl = archiving?.ttl ? archiving.ttl : undefined
  await store.put(keyOf(container_id, owner, id), { ...row } as unknown as Json, { ttl })
}

/** Removes the row of a copy. */
export async function removeRow(
  { store }: Gateway,
  owner: string,
  containerId: string,
  fileId: string,
): Promise<void> {
  await store.delete(keyOf(containerId, owner, fileId))
}

/** Lists the caller's copies of the files of a container, in the shape of the container's own list, newest first. */
export async function listCopies(
  { store, archiving, runtime: { now } }: Gateway,
  { key }: Caller,
  containerId: string,
): Promise<readonly ContainerFile[]> {
  if (archiving === undefined) return []
  const rows: CopyRow[] = []
  const prefix = keyOf(containerId, key, '')
  for (let after = prefix; ; ) {
    const page = await store.list(prefix, { after, limit: 1000 })
    rows.push(...page.map(({ value }) => value as unknown as CopyRow))
    after = page.at(-1)?.key ?? ''
    if (page.length < 1000) break
  }
  return rows
    .filter(({ stored_at }) => stored_at === undefined || !isExpired(archiving, stored_at, now()))
    .toSorted((one, other) => other.created_at - one.created_at)
}

/**
 * Rows of archived copies in the store, so that the files of an expired container can be listed and found by their paths.
 *
 * @module
 */

import * as z from 'zod/mini'
import type { ArchiveRecord } from '../../archives/archive.ts'
import type { ContainerFile } from '../../azure/operations.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { listEntries } from '../owners/records.ts'
import { isExpired } from './state.ts'

const keyOf = (containerId: string, owner: string, fileId: string): string =>
  `archived/${containerId}/${owner}/${fileId}`

const rowSchema = z.object({
  id: z.string(),
  path: z.string(),
  bytes: z.nullable(z.number()),
  source: z.string(),
  created_at: z.number(),
  /** Unix second at which the copy was made; absent in rows of older versions. */
  stored_at: z.optional(z.number()),
})

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

/** Lists the caller's copies of the files of a container, in the shape of the container's own list, newest first. */
export async function listCopies(
  gateway: Gateway,
  { key }: Caller,
  containerId: string,
): Promise<readonly ContainerFile[]> {
  const { archiving, runtime } = gateway
  if (archiving === undefined) return []
  const rows: z.infer<typeof rowSchema>[] = []
  for await (const { value } of listEntries(gateway, keyOf(containerId, key, ''))) {
    const { data } = z.safeParse(rowSchema, value)
    if (data !== undefined) rows.push(data)
  }
  const now = runtime.now()
  return rows
    .filter(({ stored_at }) => stored_at === undefined || !isExpired(archiving, stored_at, now))
    .toSorted((one, other) => other.created_at - one.created_at)
}

/**
 * Capture things: what an answer presents — made, read or listed — is recorded for the caller who got it.
 *
 * @module
 */

import { getResources, type Resource } from '../core/resources.ts'
import { recordPlace, type Source } from './capture.ts'
import { type FileRecord, findRecord, putRecord, type Remembering } from './records.ts'

/**
 * Records the things in an answer. Doing it again changes nothing.
 *
 * @param other the kind of the things where they are none of those that {@link getResources} tells apart
 */
export async function captureThings(
  gateway: Remembering,
  source: Source,
  body: unknown,
  other?: 'thing',
): Promise<void> {
  await Promise.all(
    getResources(body, other).map((resource) =>
      resource.kind === 'file'
        ? recordFile(gateway, source, resource)
        : recordPlace(gateway, source, resource.kind, resource.id),
    ),
  )
}

async function recordFile(
  gateway: Remembering,
  { caller, upstream }: Source,
  { id, container_id, stored_name, bytes }: Extract<Resource, { kind: 'file' }>,
): Promise<void> {
  const known = await findRecord(gateway, caller, 'file', id)
  if (known?.stored_name !== undefined) return
  const fresh: FileRecord = { upstream, container_id, seen_at: gateway.now() }
  await putRecord(gateway, caller, 'file', id, { ...(known ?? fresh), stored_name, bytes })
}

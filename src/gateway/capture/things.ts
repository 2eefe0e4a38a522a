/**
 * Records the API objects that an answer shows (created, read or listed) for the caller who got the answer.
 *
 * @module
 */

import { getResources, type Resource } from '../../core/api/citations/resources.ts'
import type { Gateway } from '../gateway.ts'
import { standingOf } from '../owners/access.ts'
import {
  type FileRecord,
  findRecord,
  putRecord,
  type Remembering,
  recordPlace,
} from '../owners/records.ts'
import { type Origin, recordTurn } from './capture.ts'

/**
 * Records the objects in an answer. Idempotent.
 *
 * @param body the parsed JSON of the answer: one object or a list
 * @param other the kind for objects that {@link getResources} does not recognize; absent: they are skipped
 */
export async function captureThings(
  gateway: Remembering,
  origin: Origin,
  body: unknown,
  other?: 'thing',
): Promise<void> {
  await Promise.all(
    getResources(body, other).map((resource) =>
      resource.kind === 'file'
        ? recordFile(gateway, origin, resource)
        : resource.kind === 'conversation'
          ? recordTurn(gateway, origin, resource.kind, resource.id)
          : recordPlace(gateway, origin, resource.kind, resource.id),
    ),
  )
}

/**
 * Records the rows of a list that belongs to a thing of the caller. A row may be an item that the caller wrote with a
 * freely chosen id, so it is recorded only when no other owner has that id.
 *
 * @param body the parsed JSON of the list
 */
export async function captureRows(gateway: Gateway, origin: Origin, body: unknown): Promise<void> {
  await Promise.all(
    getResources(body, 'thing').map(async ({ id }) => {
      const standing = await standingOf(gateway, origin.caller, 'thing', id)
      if (standing === 'nobody') await recordPlace(gateway, origin, 'thing', id)
    }),
  )
}

/** Records a file of the Files API or of a container list. */
async function recordFile(
  gateway: Remembering,
  { caller, upstream }: Origin,
  { id, container_id, stored_name, bytes }: Extract<Resource, { kind: 'file' }>,
): Promise<void> {
  const known = await findRecord(gateway, caller, 'file', id)
  if (known?.stored_name !== undefined) return
  const fresh: FileRecord = { upstream, container_id, seen_at: gateway.runtime.now() }
  await putRecord(gateway, caller, 'file', id, { ...(known ?? fresh), stored_name, bytes })
}

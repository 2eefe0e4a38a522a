/**
 * Capture things: what an answer presents — made, read or listed — is recorded for the caller who got it.
 *
 * @module
 */

import { getResources, type Resource } from '../../core/api/resources.ts'
import type { Gateway } from '../gateway.ts'
import { standingOf } from '../owners/access.ts'
import { type FileRecord, findRecord, putRecord, type Remembering } from '../owners/records.ts'
import { recordPlace, type Source } from './capture.ts'
import { recordTurn } from './turns.ts'

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
        : resource.kind === 'conversation'
          ? recordTurn(gateway, source, resource.kind, resource.id)
          : recordPlace(gateway, source, resource.kind, resource.id),
    ),
  )
}

/**
 * Records the rows of a list that belongs to a thing of the caller's. A row may be an item that the caller sent in, with
 * an id of the caller's choice, so it is the caller's only where nobody else has it.
 */
export async function captureRows(gateway: Gateway, source: Source, body: unknown): Promise<void> {
  await Promise.all(
    getResources(body, 'thing').map(async ({ id }) => {
      const standing = await standingOf(gateway, source.caller, 'thing', id)
      if (standing === 'nobody') await recordPlace(gateway, source, 'thing', id)
    }),
  )
}

async function recordFile(
  gateway: Remembering,
  { caller, upstream }: Source,
  { id, container_id, stored_name, bytes }: Extract<Resource, { kind: 'file' }>,
): Promise<void> {
  const known = await findRecord(gateway, caller, 'file', id)
  if (known?.stored_name !== undefined) return
  const fresh: FileRecord = { upstream, container_id, seen_at: gateway.runtime.now() }
  await putRecord(gateway, caller, 'file', id, { ...(known ?? fresh), stored_name, bytes })
}

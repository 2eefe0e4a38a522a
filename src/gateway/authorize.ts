/**
 * Authorize: what a caller may name. A record is kept for each owner, so whoever has one owns the thing.
 *
 * @module
 */

import type { Caller, Gateway } from './gateway.ts'
import { findRecord, type Kind, listOwners } from './records.ts'

/** How a caller stands to a thing: it is recorded for the caller, for others only, or for nobody. */
export type Standing = 'own' | 'others' | 'nobody'

/** Looks up how the caller stands to a thing. To an admin everything that is recorded is the own. */
export async function standingOf(
  gateway: Gateway,
  caller: Caller,
  kind: Kind,
  id: string,
): Promise<Standing> {
  if ((await findRecord(gateway, caller, kind, id)) !== undefined) return 'own'
  const owners = await listOwners(gateway, kind, id, 1)
  if (owners.length === 0) return 'nobody'
  return caller.admin ? 'own' : 'others'
}

/**
 * Whether the caller may name a thing: always where callers are not told apart, and to an admin; else what is recorded
 * for the caller, or with `CFILE_TRUST_UNRECORDED` for nobody.
 */
export async function mayName(
  gateway: Gateway,
  caller: Caller,
  kind: Kind,
  id: string,
): Promise<boolean> {
  if (!gateway.knowsCallers || caller.admin) return true
  const standing = await standingOf(gateway, caller, kind, id)
  return standing === 'own' || (standing === 'nobody' && gateway.trustUnrecorded)
}

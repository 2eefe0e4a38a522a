/**
 * Callers: turns the name of an owner into the key under which records are stored.
 *
 * @module
 */

import { shortHash } from '../../core/encoding.ts'
import type { Caller } from '../gateway.ts'

/** The owner that a credential belongs to. */
export interface Identity {
  readonly owner: string
  /** Whether the credential is an admin's. Never set from the claims of a token. */
  readonly admin?: boolean
}

/**
 * Returns the caller for an identity. Credentials with the same owner name give the same owner.
 *
 * @param keys cache of owner keys by name
 */
export async function toCaller(
  { owner, admin = false }: Identity,
  keys?: Map<string, string>,
): Promise<Caller> {
  return { owner, admin, key: await ownerKey(owner, keys) }
}

/** Returns the caller for an owner key, as signed links and records contain it. Its name is unknown. */
export function granteeOf(ownerKey: string): Caller {
  return { owner: '', admin: false, key: ownerKey }
}

const mostKept = 1000

/**
 * Returns the key of an owner: half of a SHA-256 in hex. It does not reveal the name, and every store and URL accepts it.
 *
 * @param keys cache of keys by name. It holds values, not promises, since in workerd a request must not wait for a
 * promise of another request.
 */
export async function ownerKey(owner: string, keys?: Map<string, string>): Promise<string> {
  const known = keys?.get(owner)
  if (known !== undefined) return known
  const key = await shortHash(owner)
  // A limit, since tokens can contain any number of names.
  if (keys?.size === mostKept) keys.clear()
  keys?.set(owner, key)
  return key
}

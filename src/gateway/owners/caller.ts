/**
 * Callers: turns the name of an owner into the key under which records are stored.
 *
 * @module
 */

import { shortHash } from '../../core/http/encoding.ts'
import type { Caller } from '../gateway.ts'

/** The owner that a credential belongs to. */
export interface Identity {
  readonly owner: string
  /** Whether the credential is an admin's. Never set from the claims of a token. */
  readonly admin?: boolean
}

/** Returns the caller for an identity. Credentials with the same owner name give the same owner. */
export async function toCaller({ owner, admin = false }: Identity): Promise<Caller> {
  return { owner, admin, key: await ownerKey(owner) }
}

/** Returns the caller for an owner key, as signed links and records contain it. Its name is unknown. */
export function granteeOf(ownerKey: string): Caller {
  return { owner: '', admin: false, key: ownerKey }
}

// Values, not promises, since in workerd a request must not wait for a promise of another request.
const keys = new Map<string, string>()
const mostKept = 1000

/** Half of a SHA-256 in hex: no name can be read from it, and none makes a key that a store or a URL can't hold. */
export async function ownerKey(owner: string): Promise<string> {
  const known = keys.get(owner)
  if (known !== undefined) return known
  const key = await shortHash(owner)
  // Callers' names are few, but a token may name anybody.
  if (keys.size === mostKept) keys.clear()
  keys.set(owner, key)
  return key
}

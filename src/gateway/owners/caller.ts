/**
 * Callers: an owner's name → the key under which everything of the owner's is kept.
 *
 * @module
 */

import { shortHash } from '../../core/http/encoding.ts'
import type { Caller } from '../gateway.ts'

/** Whom a credential stands for. */
export interface Identity {
  readonly owner: string
  /** Whether everything may be read and owners erased; no token's claim ever says so. */
  readonly admin?: boolean
}

/** The caller that an identity stands for. The same name is the same owner, whatever credential told it. */
export async function toCaller({ owner, admin = false }: Identity): Promise<Caller> {
  return { owner, admin, key: await ownerKey(owner) }
}

/** The caller whom a signed link stands for: the owner of what it grants, whose name it does not tell. */
export function granteeOf(ownerKey: string): Caller {
  return { owner: '', admin: false, key: ownerKey }
}

// Values, not promises: workerd lets no request wait for what another began.
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

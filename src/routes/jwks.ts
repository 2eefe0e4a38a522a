/**
 * Reads the public keys of an issuer from a JSON Web Key Set (RFC 7517).
 *
 * @module
 */

import { importJWK } from 'jose/key/import'
import * as z from 'zod/mini'

/** The algorithms of tokens. The key decides which one counts, never the token. */
export type JwtAlgorithm = 'RS256' | 'ES256' | 'EdDSA'

/** `CryptoKey`. The name is not a global type in projects without the DOM library. */
type ImportedKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

/** A public key that checks signatures of one algorithm. */
export interface VerificationKey {
  readonly kid?: string
  readonly alg: JwtAlgorithm
  readonly key: ImportedKey
}

const mostKeys = 100

const keySetSchema = z.object({ keys: z.array(z.unknown()) })

const keySchema = z.object({
  kty: z.enum(['RSA', 'EC', 'OKP']),
  kid: z.optional(z.unknown()),
  // RFC 9864 gave EdDSA another name.
  alg: z.optional(z.enum(['RS256', 'ES256', 'EdDSA', 'Ed25519'])),
  use: z.optional(z.enum(['sig'])),
  key_ops: z.optional(z.array(z.unknown())),
  d: z.optional(z.unknown()),
  crv: z.optional(z.string()),
  n: z.optional(z.string()),
  e: z.optional(z.string()),
  x: z.optional(z.string()),
  y: z.optional(z.string()),
})

const kinds = {
  RSA: { alg: 'RS256', crv: undefined },
  EC: { alg: 'ES256', crv: 'P-256' },
  OKP: { alg: 'EdDSA', crv: 'Ed25519' },
} as const

/**
 * Reads the usable keys. Skips symmetric and private keys, keys for encryption, other curves and algorithms, and RSA
 * keys under 2048 bits (RFC 7518 §3.3). `undefined` for other values than key sets.
 */
export async function readKeySet(set: unknown): Promise<VerificationKey[] | undefined> {
  const { data } = z.safeParse(keySetSchema, set)
  if (data === undefined) return undefined
  const keys = await Promise.all(data.keys.slice(0, mostKeys).map(readKey))
  return keys.filter((key) => key !== undefined)
}

async function readKey(jwk: unknown): Promise<VerificationKey | undefined> {
  const { data } = z.safeParse(keySchema, jwk)
  if (data === undefined) return undefined
  const { kid, alg: named, use, key_ops, d, ...members } = data
  const { alg, crv } = kinds[members.kty]
  // workerd does not check the curve itself.
  if (crv !== members.crv) return undefined
  if (named !== undefined && named.replace('Ed25519', 'EdDSA') !== alg) return undefined
  if (key_ops?.includes('verify') === false) return undefined
  // Anyone could sign with a private key that is published.
  if (d !== undefined) return undefined
  const key = await importJWK({ ...members, alg }, alg).catch(() => undefined)
  if (!(key instanceof CryptoKey) || isShort(key)) return undefined
  return { kid: typeof kid === 'string' ? kid : undefined, alg, key }
}

function isShort({ algorithm }: ImportedKey): boolean {
  return 'modulusLength' in algorithm && Number(algorithm.modulusLength) < 2048
}

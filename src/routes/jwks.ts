/**
 * The public keys of an issuer, as a JSON Web Key Set holds them (RFC 7517), made ready to check signatures.
 *
 * @module
 */

/** The algorithms that tokens may be signed with; which of them, the key decides and never the token. */
export type JwtAlgorithm = 'RS256' | 'ES256' | 'EdDSA'

/** `CryptoKey`, which is no global type for a consumer on Node without the DOM library. */
type ImportedKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

/** A public key that checks signatures of one algorithm. */
export interface VerificationKey {
  readonly kid?: string
  readonly alg: JwtAlgorithm
  readonly key: ImportedKey
}

const mostKeys = 100

/**
 * Reads the keys that can be used, and passes over all others: symmetric and private ones, those for encryption, other
 * curves and algorithms, RSA under 2048 bits (RFC 7518 §3.3). `undefined` for anything but a key set.
 */
export async function readKeySet(set: unknown): Promise<VerificationKey[] | undefined> {
  if (!isObject(set) || !Array.isArray(set.keys)) return undefined
  const keys = await Promise.all(set.keys.slice(0, mostKeys).map(readKey))
  return keys.filter((key) => key !== undefined)
}

type Fields = Readonly<Record<string, unknown>>

interface KeyKind {
  readonly alg: JwtAlgorithm
  readonly kty: string
  readonly crv?: string
  /** What makes the key, beside its type and curve. */
  readonly members: readonly string[]
  readonly importAs: { readonly name: string; readonly hash?: string; readonly namedCurve?: string }
  /** What a key may call its algorithm; RFC 9864 renamed one. */
  readonly names: readonly unknown[]
}

const kinds: readonly KeyKind[] = [
  {
    alg: 'RS256',
    kty: 'RSA',
    members: ['n', 'e'],
    importAs: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    names: [undefined, 'RS256'],
  },
  {
    alg: 'ES256',
    kty: 'EC',
    crv: 'P-256',
    members: ['crv', 'x', 'y'],
    importAs: { name: 'ECDSA', namedCurve: 'P-256' },
    names: [undefined, 'ES256'],
  },
  {
    alg: 'EdDSA',
    kty: 'OKP',
    crv: 'Ed25519',
    members: ['crv', 'x'],
    importAs: { name: 'Ed25519' },
    names: [undefined, 'EdDSA', 'Ed25519'],
  },
]

async function readKey(jwk: unknown): Promise<VerificationKey | undefined> {
  if (!isObject(jwk) || !isForSignatures(jwk)) return undefined
  const kind = kinds.find(
    ({ kty, crv }) => jwk.kty === kty && (crv === undefined || jwk.crv === crv),
  )
  if (!kind?.names.includes(jwk.alg)) return undefined
  const key = await importKey(jwk, kind)
  if (key === undefined || isShort(key)) return undefined
  return { kid: typeof jwk.kid === 'string' ? jwk.kid : undefined, alg: kind.alg, key }
}

/** Whoever publishes a private key lets everybody sign. */
function isForSignatures({ use, key_ops, d }: Fields): boolean {
  const isUse = use === undefined || use === 'sig'
  const isOperation =
    key_ops === undefined || (Array.isArray(key_ops) && key_ops.includes('verify'))
  return isUse && isOperation && d === undefined
}

/** Only the members that make the key: engines differ in what else they accept. */
async function importKey(
  jwk: Fields,
  { kty, members, importAs }: KeyKind,
): Promise<ImportedKey | undefined> {
  const bare: JsonWebKey = { kty, ...Object.fromEntries(members.map((name) => [name, jwk[name]])) }
  try {
    return await crypto.subtle.importKey('jwk', bare, importAs, false, ['verify'])
  } catch {
    return undefined
  }
}

function isShort({ algorithm }: ImportedKey): boolean {
  return 'modulusLength' in algorithm && Number(algorithm.modulusLength) < 2048
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

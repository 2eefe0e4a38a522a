/**
 * Fetches and caches the public keys of a token issuer: a JSON Web Key Set (JWKS, RFC 7517). New keys are found by their
 * `kid`, and known keys stay valid while the issuer is down.
 *
 * @module
 */

import * as z from 'zod/mini'
import { CfileError, reasonOf } from '../../core/errors.ts'
import { parseJson, readWhole } from '../../core/http/body.ts'
import { once } from '../../core/once.ts'
import { type Wait, within } from '../../core/time.ts'
import { isLoopback, showUrl } from '../../core/url.ts'

/** Options of {@link createRemoteKeys}. */
export interface RemoteKeyOptions {
  /** https, or http on loopback. */
  readonly url: string
  readonly fetch: typeof fetch
  /** Unix seconds. */
  readonly now: () => number
  readonly wait: Wait
}

/** Advice for an operator whose issuer's keys cannot be fetched. */
export const keysCure =
  'Set CFILE_JWKS_URL to the jwks_uri that the issuer names in its /.well-known/openid-configuration.'

/** The keys of one issuer. */
export interface RemoteKeys {
  /**
   * Returns the keys with this `kid`, or all keys for a token without one.
   *
   * @throws CfileError `not_ready` if no keys are known and none can be fetched
   */
  find(kid: string | undefined): Promise<readonly VerificationKey[]>
  /**
   * Fetches the keys if none were ever fetched. Keys that are known count as ready, even if the issuer is down now.
   *
   * @throws CfileError `not_ready`
   */
  ready(): Promise<readonly VerificationKey[]>
}

// Seconds. While the issuer answers, a withdrawn key is trusted no longer than this.
const maxAge = 600
const retryAfter = 30
const retryFirstAfter = 1

const timeoutMs = 5000
const maxBytes = 256 * 1024

/**
 * Creates a cache of an issuer's keys. It fetches them at the first use, and again for an unknown `kid`, at most every
 * 30 seconds.
 *
 * @throws CfileError `invalid_request` for a URL that is neither https nor on loopback
 */
export function createRemoteKeys({ url, fetch, now, wait }: RemoteKeyOptions): RemoteKeys {
  checkKeysUrl(url)
  let keys: readonly VerificationKey[] | undefined
  let loadedAt = Number.NEGATIVE_INFINITY
  let triedAt = Number.NEGATIVE_INFINITY
  let missedAt = Number.NEGATIVE_INFINITY
  let running: Promise<void> | undefined
  /** The cause if the last fetch failed. */
  let fault = ''

  async function load(): Promise<void> {
    const startedAt = now()
    triedAt = startedAt
    const loaded = await within(wait, timeoutMs, undefined, (signal) =>
      fetchKeys(url, fetch, signal),
    ).catch(reasonOf)
    // After a failure, the known keys stay valid.
    if (typeof loaded === 'string') fault = loaded
    else if (keys === undefined && loaded.length === 0)
      fault = 'it has no key for RS256, ES256 or EdDSA'
    else if (startedAt >= loadedAt) [keys, loadedAt] = [loaded, startedAt]
  }

  /** Fetches the keys, once for all callers. Each has its own time limit: on Workers a fetch ends with the request that began it. */
  async function refresh(): Promise<void> {
    const isLost = now() - triedAt > timeoutMs / 1000
    const shared = running === undefined || isLost ? load() : running
    running = shared
    await within(wait, timeoutMs, undefined, () => shared).catch((error) => {
      fault = reasonOf(error)
    })
    if (running === shared) running = undefined
  }

  /** Whether keys must be fetched before a token with this `kid` can be checked. */
  function needsFetch(kid: string | undefined): boolean {
    const time = now()
    if (keys === undefined) return running !== undefined || time - triedAt >= retryFirstAfter
    if (!hasKey(keys, kid)) return running !== undefined || time - missedAt >= retryAfter
    return running === undefined && time - loadedAt >= maxAge && time - triedAt >= retryAfter
  }

  async function find(kid: string | undefined): Promise<readonly VerificationKey[]> {
    if (needsFetch(kid)) {
      if (keys !== undefined && !hasKey(keys, kid)) missedAt = now()
      await refresh()
      if (keys !== undefined && !hasKey(keys, kid)) missedAt = now()
    }
    if (keys === undefined) throw noKeys(fault)
    return keys.filter((key) => kid === undefined || key.kid === kid)
  }

  return { find, ready: async () => keys ?? find(undefined) }
}

/** Whether a key with this `kid` is known. A token without one needs any key. */
function hasKey(keys: readonly VerificationKey[], kid: string | undefined): boolean {
  return kid === undefined || keys.some((key) => key.kid === kid)
}

/**
 * Checks the URL of an issuer's keys.
 *
 * @param text value of `CFILE_JWKS_URL`
 * @throws CfileError `invalid_request` for a URL that is neither https nor on loopback
 */
export function checkKeysUrl(text: string): void {
  const { protocol, hostname, username, password } = new URL(URL.canParse(text) ? text : 'x:')
  const isSafe = protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
  if (isSafe && username === '' && password === '') return
  throw new CfileError(
    'invalid_request',
    `CFILE_JWKS_URL got ${showUrl(text)}, but takes an https URL without user name and password, or an http one on loopback.`,
    { param: 'CFILE_JWKS_URL' },
  )
}

/** Fetches a key set. @throws Error whose message describes the failure */
async function fetchKeys(
  url: string,
  fetch: RemoteKeyOptions['fetch'],
  signal: AbortSignal,
): Promise<VerificationKey[]> {
  const answer = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    // Only the configured URL may supply keys, so redirects are refused.
    redirect: 'manual',
    signal,
  })
  const isRight = answer.status === 200
  const whole = await readWhole(answer.body, isRight ? maxBytes : 0)
  if (!isRight) throw new Error(`it answered with status ${answer.status}`)
  const keys = whole && (await readKeySet(parseJson(whole)))
  if (keys === undefined) throw new Error('its answer is not a JSON Web Key Set')
  return keys
}

/**
 * The error while no keys are known.
 *
 * @param cause of the last failed fetch
 */
function noKeys(cause: string): CfileError {
  return new CfileError('not_ready', "Callers' tokens can't be checked at the moment.", {
    hint: 'The keys at CFILE_JWKS_URL could not be fetched; cfile tries again.',
    headers: { 'retry-after': String(retryFirstAfter) },
    cause,
  })
}

/** The algorithms of tokens. The key determines the algorithm, never the token. */
type JwtAlgorithm = 'RS256' | 'ES256' | 'EdDSA'

/** `CryptoKey`. The name is not a global type in projects without the DOM library. */
type ImportedKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

/** A public key that checks signatures of one algorithm. */
export interface VerificationKey {
  readonly kid?: string
  readonly alg: JwtAlgorithm
  readonly key: ImportedKey
}

const mostKeys = 100

const keySetSchema = once(() => z.object({ keys: z.array(z.unknown()) }))

const keySchema = once(() =>
  z.object({
    kty: z.enum(['RSA', 'EC', 'OKP']),
    kid: z.optional(z.unknown()),
    // `Ed25519` is the name of EdDSA in RFC 9864.
    alg: z.optional(z.enum(['RS256', 'ES256', 'EdDSA', 'Ed25519'])),
    use: z.optional(z.enum(['sig'])),
    key_ops: z.optional(z.array(z.unknown())),
    d: z.optional(z.unknown()),
    crv: z.optional(z.string()),
    n: z.optional(z.string()),
    e: z.optional(z.string()),
    x: z.optional(z.string()),
    y: z.optional(z.string()),
  }),
)

const kinds = {
  RSA: { alg: 'RS256', crv: undefined },
  EC: { alg: 'ES256', crv: 'P-256' },
  OKP: { alg: 'EdDSA', crv: 'Ed25519' },
} as const

/**
 * Reads the usable keys. Skips symmetric and private keys, keys for encryption, other curves and algorithms, and RSA
 * keys under 2048 bits (RFC 7518 §3.3). `undefined` for other values than key sets.
 *
 * @param set parsed JSON of an answer
 */
export async function readKeySet(set: unknown): Promise<VerificationKey[] | undefined> {
  const { data } = z.safeParse(keySetSchema(), set)
  if (data === undefined) return undefined
  const keys = await Promise.all(data.keys.slice(0, mostKeys).map(readKey))
  return keys.filter((key) => key !== undefined)
}

/** Imports one key of a set; `undefined` if it may not be used. */
async function readKey(jwk: unknown): Promise<VerificationKey | undefined> {
  const { data } = z.safeParse(keySchema(), jwk)
  if (data === undefined) return undefined
  const { kid, alg: named, use, key_ops, d, ...members } = data
  const { alg, crv } = kinds[members.kty]
  // workerd does not check the curve.
  if (crv !== members.crv) return undefined
  if (named !== undefined && named.replace('Ed25519', 'EdDSA') !== alg) return undefined
  if (key_ops?.includes('verify') === false) return undefined
  // Anyone could sign with a private key that is published.
  if (d !== undefined) return undefined
  const { importJWK } = await import('./jose.ts')
  const key = await importJWK({ ...members, alg }, alg).catch(() => undefined)
  if (!(key instanceof CryptoKey) || isShort(key)) return undefined
  return { kid: typeof kid === 'string' ? kid : undefined, alg, key }
}

/** Whether an RSA key is too short (RFC 7518 §3.3). */
function isShort({ algorithm }: ImportedKey): boolean {
  return 'modulusLength' in algorithm && Number(algorithm.modulusLength) < 2048
}

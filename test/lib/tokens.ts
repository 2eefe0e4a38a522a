/**
 * An issuer of tokens with real keys, and forged tokens.
 */

import { webRuntime } from '../../src/runtime.ts'

/** A key pair with its public JWK. */
export interface Issuer {
  readonly alg: string
  readonly jwk: Readonly<Record<string, unknown>>
  readonly privateKey: CryptoKey
  /** Signs these claims. `header` replaces members of the default header. */
  token(claims: object, header?: object): Promise<string>
}

const algorithms = {
  RS256: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
  RS512: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-512',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
  short: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 1024,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  EdDSA: { name: 'Ed25519' },
} as const

/** Creates a key pair that signs. */
export async function createIssuer(kind: keyof typeof algorithms, kid?: string): Promise<Issuer> {
  const algorithm = algorithms[kind]
  const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const { publicKey, privateKey } = pair as CryptoKeyPair
  const exported = (await crypto.subtle.exportKey('jwk', publicKey)) as JsonWebKey
  const { kty, n, e, crv, x, y } = exported
  const bare = Object.entries({ kty, n, e, crv, x, y, kid }).filter(([, value]) => value)
  const alg = kind === 'short' ? 'RS256' : kind
  return {
    alg,
    jwk: Object.fromEntries(bare),
    privateKey,
    token: (claims, header = {}) =>
      compact({ alg, typ: 'JWT', kid, ...header }, claims, (text) =>
        crypto.subtle.sign(algorithm, privateKey, text),
      ),
  }
}

/** A token in its compact form (RFC 7515 §7.1), with any content. */
export async function compact(
  header: unknown,
  claims: unknown,
  sign: (text: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>,
): Promise<string> {
  const text = `${base64Url(JSON.stringify(header))}.${base64Url(JSON.stringify(claims))}`
  const signature = new Uint8Array(await sign(new TextEncoder().encode(text)))
  return `${text}.${base64Url(String.fromCharCode(...signature))}`
}

/** Base64url without padding, of a Latin-1 text or of bytes. */
export function base64Url(text: string): string {
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Signs with HMAC and any secret, as an attacker would. */
export function hmac(secret: Uint8Array<ArrayBuffer>, hash = 'SHA-256') {
  return async (text: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> => {
    const usage: KeyUsage[] = ['sign']
    const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash }, false, usage)
    return crypto.subtle.sign('HMAC', key, text)
  }
}

/** An endpoint that answers with a key set, and its clock. */
export function createEndpoint(keys: readonly object[]) {
  const endpoint = {
    keys,
    time: 1_790_000_000,
    calls: 0,
    /** Replaces the answer. */
    instead: undefined as undefined | ((signal: AbortSignal) => Promise<Response>),
    last: undefined as RequestInit | undefined,
  }
  const fetch = async (_: unknown, init?: RequestInit) => {
    endpoint.calls += 1
    endpoint.last = init
    const signal = init?.signal ?? AbortSignal.abort()
    return endpoint.instead?.(signal) ?? Response.json({ keys: endpoint.keys })
  }
  return {
    endpoint,
    options: {
      fetch: fetch as typeof globalThis.fetch,
      now: () => endpoint.time,
      wait: webRuntime.wait,
    },
  }
}

/**
 * Signatures of webhooks, by the Standard Webhooks specification 1.0.0: HMAC-SHA-256 over `id.timestamp.body` with a
 * secret that is written as `whsec_` and base64.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * @module
 */

import { fromBase64 } from './encoding.ts'

/** The three headers that a webhook brings. */
export interface WebhookHeaders {
  /** `webhook-id`: the same for each delivery of one event. */
  readonly id: string
  /** `webhook-timestamp`: unix seconds of this delivery. */
  readonly timestamp: string
  /** `webhook-signature`: entries `v1,BASE64` with blanks between them. */
  readonly signature: string
}

/** Seconds that a delivery may be older or newer than the clock here. */
const tolerance = 300

const algorithm = { name: 'HMAC', hash: 'SHA-256' }
const encoder = new TextEncoder()

/**
 * Makes a check of webhooks against any of several secrets, so that a secret can be replaced without a gap.
 *
 * @param secrets the bytes behind `whsec_`, decoded
 * @returns whether one of the signatures fits one of the secrets and the delivery is at most five minutes away from `now`
 */
export function createWebhookVerifier(
  secrets: readonly Uint8Array<ArrayBuffer>[],
): (headers: WebhookHeaders, body: Uint8Array, now: number) => Promise<boolean> {
  let imported: Promise<CryptoKey[]> | undefined
  const importKeys = () =>
    Promise.all(
      secrets.map((secret) =>
        crypto.subtle.importKey('raw', secret, algorithm, false, ['sign', 'verify']),
      ),
    )
  return async ({ id, timestamp, signature }, body, now) => {
    if (!/^\d{1,12}$/.test(timestamp) || Math.abs(Number(timestamp) - now) > tolerance) return false
    imported ??= importKeys()
    const signed = signedBytes(id, timestamp, body)
    const signatures = signature.split(' ').flatMap((entry) => parseSignature(entry) ?? [])
    for (const key of await imported) {
      for (const bytes of signatures) {
        // WebCrypto compares in constant time.
        if (await crypto.subtle.verify('HMAC', key, bytes, signed)) return true
      }
    }
    return false
  }
}

/**
 * Reads a secret as Azure shows it once: `whsec_` and the base64 of 24 to 64 bytes.
 *
 * @returns the bytes, or `undefined` for anything else
 */
export function parseWebhookSecret(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = text.startsWith('whsec_') ? decodeBase64(text.slice(6)) : undefined
  return bytes !== undefined && bytes.byteLength >= 24 && bytes.byteLength <= 64 ? bytes : undefined
}

function signedBytes(id: string, timestamp: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = encoder.encode(`${id}.${timestamp}.`)
  const bytes = new Uint8Array(head.byteLength + body.byteLength)
  bytes.set(head)
  bytes.set(body, head.byteLength)
  return bytes
}

/** Other versions of signatures may stand beside `v1`; they are passed over. */
function parseSignature(entry: string): Uint8Array<ArrayBuffer> | undefined {
  return entry.startsWith('v1,') ? decodeBase64(entry.slice(3)) : undefined
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  try {
    return fromBase64(text)
  } catch {
    return undefined
  }
}

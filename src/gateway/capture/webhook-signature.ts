/**
 * Verifies webhook signatures by the Standard Webhooks specification 1.0.0: HMAC-SHA-256 of `id.timestamp.body`, with a
 * secret written as `whsec_` and base64.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * @module
 */

import { fromBase64 } from '../../core/encoding.ts'

/** The three headers of a webhook. */
export interface WebhookHeaders {
  /** `webhook-id`: the same for each delivery of one event. */
  readonly id: string
  /** `webhook-timestamp`: unix seconds of this delivery. */
  readonly timestamp: string
  /** `webhook-signature`: entries `v1,BASE64`, separated by blanks. */
  readonly signature: string
}

/** Allowed difference between a delivery's time and the local clock, in seconds. */
const tolerance = 300

const algorithm = { name: 'HMAC', hash: 'SHA-256' }
const encoder = new TextEncoder()

/**
 * Creates a verifier. It accepts any of several secrets, so that secrets can be rotated. The keys are imported at the
 * first delivery.
 *
 * @param secrets the decoded bytes after `whsec_`
 * @returns whether a signature fits a secret and the delivery is at most five minutes away from `now` (unix seconds)
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
 * Parses a secret in the form that Azure displays: `whsec_` and the base64 of 24 to 64 bytes.
 *
 * @returns the bytes, or `undefined` for any other text
 */
export function parseWebhookSecret(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = text.startsWith('whsec_') ? decodeBase64(text.slice(6)) : undefined
  return bytes !== undefined && bytes.byteLength >= 24 && bytes.byteLength <= 64 ? bytes : undefined
}

/** The bytes that a signature covers: `id.timestamp.body`. */
function signedBytes(id: string, timestamp: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = encoder.encode(`${id}.${timestamp}.`)
  const bytes = new Uint8Array(head.byteLength + body.byteLength)
  bytes.set(head)
  bytes.set(body, head.byteLength)
  return bytes
}

/** Other signature versions may occur and are ignored. */
function parseSignature(entry: string): Uint8Array<ArrayBuffer> | undefined {
  return entry.startsWith('v1,') ? decodeBase64(entry.slice(3)) : undefined
}

/** Decodes base64; `undefined` for any other text. */
function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  try {
    return fromBase64(text)
  } catch {
    return undefined
  }
}

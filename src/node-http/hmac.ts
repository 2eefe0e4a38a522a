/**
 * HMAC by `node:crypto`, which Node, Bun and Deno have: it takes no change of threads as WebCrypto does.
 *
 * @module
 */

import { createHmac, createSecretKey } from 'node:crypto'
import type { Hmac } from '../core/links/hmac.ts'

/** HMAC-SHA-256 with one secret, which is made a key once: that of the raw bytes would cost more than the HMAC. */
export function nodeHmac(secret: Uint8Array): Hmac {
  const key = createSecretKey(secret)
  return (text) => createHmac('sha256', key).update(text).digest() as ReturnType<Hmac>
}

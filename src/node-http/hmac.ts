/**
 * HMAC by `node:crypto`, which Node, Bun and Deno have. Unlike WebCrypto it needs no other thread.
 *
 * @module
 */

import { createHmac, createSecretKey } from 'node:crypto'
import type { Hmac } from '../core/links/keys.ts'

/** Makes an HMAC-SHA-256. The secret becomes a key once, because that costs more than the HMAC. */
export function nodeHmac(secret: Uint8Array): Hmac {
  const key = createSecretKey(secret)
  return (text) => createHmac('sha256', key).update(text).digest() as ReturnType<Hmac>
}

/**
 * HMAC-SHA-256, used to sign links and to compare callers' keys.
 *
 * @module
 */

/** HMAC-SHA-256 with a fixed secret: 32 bytes for the UTF-8 bytes of a text. */
export type Hmac = (text: string) => Uint8Array | Promise<Uint8Array>

const encoder = new TextEncoder()

/** Creates an {@link Hmac} by WebCrypto, which every runtime has. Imports the secret once. */
export function webHmac(secret: Uint8Array): Hmac {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  let imported: Promise<CryptoKey> | undefined
  return async (text) => {
    imported ??= crypto.subtle.importKey('raw', Uint8Array.from(secret), algorithm, false, ['sign'])
    return new Uint8Array(await crypto.subtle.sign('HMAC', await imported, encoder.encode(text)))
  }
}

/**
 * HMAC-SHA-256, with which links are signed and callers' keys are compared.
 *
 * @module
 */

/** HMAC-SHA-256 with one secret: 32 bytes for a text, which is taken as UTF-8. */
export type Hmac = (text: string) => Uint8Array | Promise<Uint8Array>

const encoder = new TextEncoder()

/** By WebCrypto, which every runtime has. The secret is imported once. */
export function webHmac(secret: Uint8Array): Hmac {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  let imported: Promise<CryptoKey> | undefined
  return async (text) => {
    imported ??= crypto.subtle.importKey('raw', Uint8Array.from(secret), algorithm, false, ['sign'])
    return new Uint8Array(await crypto.subtle.sign('HMAC', await imported, encoder.encode(text)))
  }
}

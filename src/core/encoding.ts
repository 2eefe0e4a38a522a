/**
 * Bytes as text: hex, base64, base64url, and percent-encoding beyond `encodeURIComponent`.
 *
 * @module
 */

/**
 * Writes bytes as lower-case hex.
 *
 * @param bytes of any length
 * @returns two digits for each byte
 */
export function toHex(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += (byte + 0x100).toString(16).slice(1)
  return hex
}

/**
 * Reads the bytes of an even number of hex digits.
 *
 * @param hex digits of either case, in pairs; a last single digit is ignored
 */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

/**
 * Writes a few bytes as base64 (RFC 4648 §4).
 *
 * @param bytes at most some thousand, because they are passed as arguments of one call
 */
export function toBase64(bytes: Iterable<number>): string {
  return btoa(String.fromCharCode(...bytes))
}

/**
 * Writes a few bytes as base64url without padding (RFC 4648 §5).
 *
 * @param bytes as for {@link toBase64}
 */
export function toBase64url(bytes: Iterable<number>): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/**
 * Reads base64url.
 *
 * @param text with or without padding
 * @throws DOMException for text that is not base64url
 */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'))
}

/**
 * Reads base64 (RFC 4648 §4).
 *
 * @param text with or without padding; blanks and line ends are ignored, as `atob` does
 * @throws DOMException for text that is not base64
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const characters = atob(text)
  const bytes = new Uint8Array(characters.length)
  // A loop costs less than Uint8Array.from(), and every signed link is decoded.
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = characters.charCodeAt(at)
  return bytes
}

/**
 * Percent-encodes a text like `encodeURIComponent`, and further characters too.
 *
 * @param text well-formed UTF-16: a lone surrogate throws a URIError
 * @param more a global pattern of single ASCII characters
 */
export function percentEncode(text: string, more: RegExp): string {
  return encodeURIComponent(text).replace(
    more,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/**
 * The first 16 bytes of a text's SHA-256, as 32 hex digits.
 *
 * @param text hashed as UTF-8
 */
export async function shortHash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return toHex(new Uint8Array(digest, 0, 16))
}

/**
 * Parts of URLs: masking of secrets, percent-decoding.
 *
 * @module
 */

/** Quotes a URL for a message, at most 100 characters, without the parts that may be secret: user, password, query, fragment. */
export function showUrl(text: string): string {
  const shown = text.replace(/\/\/[^/?#]*@/, '//…@').replace(/([?#]).+$/s, '$1…')
  return JSON.stringify(shown.slice(0, 100))
}

/** Percent-decodes a text once; returns a text that cannot be decoded unchanged. */
export function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

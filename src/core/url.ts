/**
 * Parts of URLs: masking of secrets, percent-decoding, loopback hosts.
 *
 * @module
 */

/**
 * Quotes a URL for a message, at most 100 characters, without the parts that may be secret: user, password, query, fragment.
 *
 * @param text of a setting; it need not be a URL
 */
export function showUrl(text: string): string {
  const shown = text.replace(/\/\/[^/?#]*@/, '//…@').replace(/([?#]).+$/s, '$1…')
  return JSON.stringify(shown.slice(0, 100))
}

/**
 * Percent-decodes a text once; returns a text that cannot be decoded unchanged.
 *
 * @param text of a path: `+` stays as it is
 */
export function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * Whether a host name or address means this machine (RFC 6761 §6.3, RFC 1122 §3.2.1.3). IPv6 brackets are allowed.
 *
 * @param hostname without its port
 */
export function isLoopback(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  return /^(?:.+\.)?localhost$/.test(host) || /^127(?:\.\d{1,3}){3}$/.test(host) || host === '::1'
}

/**
 * Which host names mean this machine.
 *
 * @module
 */

/** Whether a host name or address, with or without the brackets of a URL, can only be reached on this machine (RFC 6761 §6.3, RFC 1122 §3.2.1.3). */
export function isLoopback(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  return /^(?:.+\.)?localhost$/.test(host) || /^127(?:\.\d{1,3}){3}$/.test(host) || host === '::1'
}

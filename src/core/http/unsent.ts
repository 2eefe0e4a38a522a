/**
 * Detects requests that failed before any byte was sent, and that are therefore safe to repeat.
 *
 * @module
 */

const refusals = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'ConnectionRefused',
  'FailedToOpenSocket',
])

// Deno and workerd report it only in the message.
const refusal = /connection refused|dns error|failed to lookup address|ECONNREFUSED/i

/** Whether no connection was made, by the errors and causes of Node, Bun, Deno and workerd. */
export function wasNeverSent(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > 8) return false
  const { code, message, cause } = error as Record<string, unknown>
  if (typeof code === 'string' && refusals.has(code)) return true
  if (typeof message === 'string' && refusal.test(message)) return true
  return wasNeverSent(cause, depth + 1)
}

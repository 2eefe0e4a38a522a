/**
 * Reads `Retry-After` (RFC 9110 §10.2.3) and its variants in milliseconds, which Azure sends.
 *
 * @module
 */

/**
 * Reads how long the upstream asks to wait, in milliseconds. A date is relative to the answer's own `Date`.
 *
 * @param now unix seconds, used if the answer has no `Date`
 */
export function retryAfterMs(headers: Headers, now?: number): number | undefined {
  for (const name of ['retry-after-ms', 'x-ms-retry-after-ms']) {
    const text = headers.get(name)
    if (text !== null && /^\d{1,9}(?:\.\d+)?$/.test(text)) return Number(text)
  }
  const text = headers.get('retry-after')
  if (text === null) return undefined
  if (/^\d{1,6}(?:\.\d+)?$/.test(text)) return Number(text) * 1000
  const from = Date.parse(headers.get('date') ?? '') || (now ?? Number.NaN) * 1000
  const ms = Date.parse(text) - from
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}

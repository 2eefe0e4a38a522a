import { describe, expect, it } from 'vitest'
import { retryAfterMs } from '../../../src/core/http/retry-after.ts'

describe('Retry-After', () => {
  it('counts as absent if it is malformed, so that no client waits for ever or returns at once', () => {
    for (const text of ['', 'soon', '-1', '1e9', '99999999', 'NaN', '1;2']) {
      expect(retryAfterMs(new Headers({ 'retry-after': text })), text).toBeUndefined()
    }
  })

  it('counts as now if its date has passed, and uses our clock if the answer has no Date', () => {
    const headers = new Headers({ 'retry-after': 'Tue, 24 Nov 2026 10:00:03 GMT' })
    expect(retryAfterMs(headers)).toBeUndefined()
    const now = Date.parse('2026-11-24T10:00:00Z') / 1000
    expect(retryAfterMs(headers, now)).toBe(3000)
    expect(retryAfterMs(headers, now + 60)).toBe(0)
  })
})

import { describe, expect, it } from 'vitest'
import { retryAfterMs, startDeadline } from '../../src/core/time.ts'
import { webRuntime } from '../../src/runtime.ts'

const { wait } = webRuntime

describe('a time limit', () => {
  it('ends a fetch whose signal is first read when the client has left', () => {
    const client = new AbortController()
    const deadline = startDeadline(wait, 60_000, client.signal)
    client.abort('left')
    expect(deadline.signal.aborted).toBe(true)
    expect(deadline.signal.reason).toBe('left')
    expect(deadline.isOver()).toBe(false)
    deadline.clear()
  })

  it('ends work that listens to either of its signals, once, when the time is over', async () => {
    const deadline = startDeadline(wait, 1)
    const ends: unknown[] = []
    deadline.end.addEventListener('abort', () => ends.push(deadline.end.reason))
    deadline.signal.addEventListener('abort', () => ends.push(deadline.signal.reason))
    const unwanted = (): void => void ends.push('not wanted')
    deadline.end.addEventListener('abort', unwanted)
    deadline.end.removeEventListener('abort', unwanted)
    await wait(20)
    expect(ends).toEqual([deadline.end.reason, deadline.end.reason])
    expect(deadline.end.reason).toMatchObject({ name: 'TimeoutError' })
    expect(deadline.isOver()).toBe(true)
  })
})

describe('Retry-After', () => {
  it('counts as absent if it is malformed, so that no client waits without end or retries at once', () => {
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

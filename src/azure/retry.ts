/**
 * Asking again: what is worth it, when, and how often.
 *
 * @module
 */

import { isCfileError } from '../core/errors.ts'
import type { Wait } from '../core/time.ts'

/** Limits of asking again. */
export interface RetryLimits {
  /** How often a request is sent at most. @default 6 */
  readonly attempts: number
  /** Milliseconds until the last answer; only the first attempt may take longer. @default 20000 */
  readonly totalMs: number
  /** Milliseconds of the first pause at most, which doubles each time. @default 500 */
  readonly baseMs: number
  /** Milliseconds of any pause at most. @default 8000 */
  readonly pauseMs: number
}

export const retryLimits: RetryLimits = {
  attempts: 6,
  totalMs: 20_000,
  baseMs: 500,
  pauseMs: 8000,
}

/** How often one upstream may be asked again, over all requests. */
export interface RetryBudget {
  /** Counts a request. */
  earn(): void
  /** Whether there is a repetition left; takes it. */
  spend(): boolean
}

/** One repetition for every ten requests, up to a hundred saved; and one a second, up to ten, for those who ask seldom. */
export function createRetryBudget(now: () => number): RetryBudget {
  let left = 10
  let seen = now()
  const fill = (): void => {
    const time = now()
    left = Math.max(left, Math.min(10, left + (time - seen)))
    seen = time
  }
  return {
    earn() {
      left = Math.min(100, left + 0.1)
    },
    spend() {
      fill()
      if (left < 1) return false
      left -= 1
      return true
    },
  }
}

/** The pause before an attempt, counted from 1: anything up to a bound that doubles ("full jitter"). */
export function pauseBefore(
  attempt: number,
  random: () => number,
  { baseMs, pauseMs }: RetryLimits = retryLimits,
): number {
  return random() * Math.min(pauseMs, baseMs * 2 ** (attempt - 1))
}

/** How long the upstream wants to be left alone, in milliseconds; a date counts from the answer's own `Date`. */
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

/** Options of {@link repeat}. */
export interface RepeatOptions {
  readonly limits: RetryLimits
  readonly budget: RetryBudget
  /** Milliseconds that may go by waiting because the upstream said so. */
  readonly patienceMs: number
  readonly now: () => number
  readonly wait: Wait
  readonly random: () => number
  readonly signal?: AbortSignal
  /** Called before each attempt but the first. */
  readonly onRetry?: () => void
}

type Outcome = { readonly answer: Response } | { readonly answer?: undefined; error: unknown }

/**
 * Sends until the answer is one to live with, or the limits are reached; then the last answer or failure is the result.
 * An attempt is told the milliseconds that are left for it.
 */
export async function repeat(
  attempt: (leftMs?: number) => Promise<Response>,
  { limits, budget, patienceMs, now, wait, random, signal, onRetry }: RepeatOptions,
): Promise<Response> {
  const started = now()
  let waited = 0
  let patience = patienceMs
  budget.earn()
  let outcome = await outcomeOf(attempt())
  for (let sent = 1; sent < limits.attempts && isPassing(outcome); sent += 1) {
    const told = outcome.answer && retryAfterMs(outcome.answer.headers, now())
    const pause = told ?? pauseBefore(sent, random, limits)
    // The clock counts whole seconds, of which one may have been cut off; what was waited is known.
    const seconds = now() - started
    const spent = Math.max(waited, seconds && (seconds + 1) * 1000)
    if (spent + pause >= limits.totalMs || (told ?? 0) > patience || !budget.spend()) break
    patience -= told ?? 0
    waited += pause
    await outcome.answer?.body?.cancel()
    await wait(pause, signal)
    onRetry?.()
    outcome = await outcomeOf(attempt(limits.totalMs - spent - pause))
  }
  if (outcome.answer === undefined) throw outcome.error
  return outcome.answer
}

function outcomeOf(sending: Promise<Response>): Promise<Outcome> {
  return sending.then(
    (answer) => ({ answer }),
    (error) => ({ error }),
  )
}

const passing = [408, 429, 500, 502, 503, 504]

/** Whether it may be another answer the next time. A limit of our own that passed is none: it was long already. */
function isPassing(outcome: Outcome): boolean {
  if (outcome.answer !== undefined) return passing.includes(outcome.answer.status)
  return isCfileError(outcome.error) && outcome.error.code === 'upstream_error'
}

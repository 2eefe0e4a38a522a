/**
 * Retries of requests: which failures, how often, and with which pauses.
 *
 * @module
 */

import { isCfileError } from '../core/errors.ts'
import { isTransient, retryAfterMs, type Wait, type WaitSignal } from '../core/time.ts'

/** Limits for retries. */
export interface RetryLimits {
  /** Maximum number of attempts. @default 6 */
  readonly attempts: number
  /** Milliseconds until the last answer. Only the first attempt may take longer. @default 20000 */
  readonly totalMs: number
  /** Maximum of the first pause in milliseconds; doubles with each attempt. @default 500 */
  readonly baseMs: number
  /** Maximum of any pause in milliseconds. @default 8000 */
  readonly pauseMs: number
}

export const retryLimits: RetryLimits = {
  attempts: 6,
  totalMs: 20_000,
  baseMs: 500,
  pauseMs: 8000,
}

/** Limits the retries to one upstream over all requests. */
interface RetryBudget {
  /** Counts a request. */
  earn(): void
  /** Takes one retry from the budget; returns whether one was left. */
  spend(): boolean
}

/**
 * Creates a budget of one retry for every ten requests, up to a hundred saved. In addition it refills by one per second
 * up to ten, for clients with few requests.
 *
 * @param now unix seconds
 */
export function createRetryBudget(now: () => number): RetryBudget {
  let retriesLeft = 10
  let filledAt = now()
  const fill = (): void => {
    const time = now()
    retriesLeft = Math.max(retriesLeft, Math.min(10, retriesLeft + (time - filledAt)))
    filledAt = time
  }
  return {
    earn() {
      retriesLeft = Math.min(100, retriesLeft + 0.1)
    },
    spend() {
      fill()
      if (retriesLeft < 1) return false
      retriesLeft -= 1
      return true
    },
  }
}

/**
 * The pause before an attempt in milliseconds: a random part of a bound that doubles ("full jitter").
 *
 * @param attempt number of the attempt, from 1
 * @param random a number from 0 to 1
 * @param limits only the two pauses are used
 */
export function pauseBefore(
  attempt: number,
  random: () => number,
  { baseMs, pauseMs }: RetryLimits = retryLimits,
): number {
  return random() * Math.min(pauseMs, baseMs * 2 ** (attempt - 1))
}

/** Options of {@link withRetries}. */
interface RepeatOptions {
  readonly limits: RetryLimits
  readonly budget: RetryBudget
  /** Milliseconds to wait in total because of `Retry-After`. */
  readonly patienceMs: number
  readonly now: () => number
  readonly wait: Wait
  readonly random: () => number
  /** Ends the pauses. */
  readonly signal?: WaitSignal
  /** Called before each attempt except the first. */
  readonly onRetry?: () => void
}

type Outcome = { readonly answer: Response } | { readonly answer?: undefined; error: unknown }

/**
 * Sends a request again until its answer is final or a limit is reached. Returns the last answer or throws the last
 * error.
 *
 * @param attempt sends the request; gets the milliseconds that are left
 * @param options limits, budget, timer and observers
 * @throws the last error, or the signal's reason
 */
export async function withRetries(
  attempt: (leftMs?: number) => Promise<Response>,
  { limits, budget, patienceMs, now, wait, random, signal, onRetry }: RepeatOptions,
): Promise<Response> {
  const started = now()
  let waited = 0
  let patienceLeftMs = patienceMs
  budget.earn()
  let outcome = await outcomeOf(attempt())
  for (let sent = 1; sent < limits.attempts && mayRetryHelp(outcome); sent += 1) {
    const askedMs = outcome.answer && retryAfterMs(outcome.answer.headers, now())
    const pause = askedMs ?? pauseBefore(sent, random, limits)
    // The clock counts whole seconds and may have cut off one. The waited time is exact.
    const seconds = now() - started
    const spent = Math.max(waited, seconds && (seconds + 1) * 1000)
    if (spent + pause >= limits.totalMs || (askedMs ?? 0) > patienceLeftMs || !budget.spend()) break
    patienceLeftMs -= askedMs ?? 0
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

/** Whether a retry can help. After cfile's own time limit it cannot, because that attempt already took long. */
function mayRetryHelp(outcome: Outcome): boolean {
  if (outcome.answer !== undefined) return isTransient(outcome.answer.status)
  return isCfileError(outcome.error) && outcome.error.code === 'upstream_error'
}

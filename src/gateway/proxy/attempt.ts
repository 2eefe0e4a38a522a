/**
 * Sends one request to the upstreams of its route in turn, until one gives an answer that is final.
 *
 * @module
 */

import { wasNeverSent } from '../../core/bytes/failures.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import { retryAfterMs } from '../../core/time.ts'
import type { Turn } from '../balance.ts'
import type { Gateway, Upstream } from '../gateway.ts'
import type { Route } from './route.ts'

/** An answer and the upstream that gave it. */
export interface Answered {
  readonly upstream: Upstream
  readonly answer: Response
  /** The count of requests in flight; the caller ends it when the body has ended. */
  readonly turn: Turn
}

/** The result of one attempt: an answer, or the error that kept the upstream from answering. */
type Outcome = Answered | { readonly upstream: Upstream; readonly error: unknown }

/**
 * Sends a request to the upstreams of its route until one gives an answer that is final. Otherwise it returns the best
 * of the answers it got. The bodies of all other answers are cancelled.
 *
 * @param method the method that is sent; reads and writes are retried under different rules
 * @param send sends the request to one upstream, once
 * @throws CfileError what `send` threw, when no upstream answered
 */
export async function attempt(
  gateway: Gateway,
  route: Route,
  method: string,
  send: (upstream: Upstream) => Promise<Response>,
): Promise<Answered> {
  const rule = ruleFor(route, method)
  const passed: Outcome[] = []
  for (const upstream of route.upstreams) {
    const outcome = await attemptOne(gateway, upstream, send)
    if (rule.counts(outcome)) return settle(outcome, passed)
    passed.push(outcome)
  }
  const best = passed.toSorted((a, b) => rule.rank(a) - rule.rank(b))[0]
  if (best === undefined) throw new CfileError('upstream_error', 'There is no upstream to ask.')
  return settle(best, passed)
}

/** Sends the request to one upstream and reports its health to the balance. */
async function attemptOne(
  gateway: Gateway,
  upstream: Upstream,
  send: (upstream: Upstream) => Promise<Response>,
): Promise<Outcome> {
  const turn = gateway.balance.begin(upstream)
  try {
    const answer = await send(upstream)
    turn.answered(answer.status < 500)
    return { upstream, answer, turn }
  } catch (error) {
    turn.end()
    // A client that disconnected or sent a wrong body says nothing about the health of the upstream.
    if (!isCfileError(error) || error.status < 500) throw error
    turn.answered(false)
    return { upstream, error }
  }
}

/** Returns the chosen outcome and cancels the bodies of the others. */
async function settle(chosen: Outcome, others: readonly Outcome[]): Promise<Answered> {
  for (const other of others) {
    if (other === chosen || 'error' in other) continue
    other.turn.end()
    await other.answer.body?.cancel()
  }
  if ('error' in chosen) throw chosen.error
  return chosen
}

/** Rule that decides when to stop and which answer to return. */
interface Rule {
  /** Whether this outcome is final, so that no other upstream is asked. */
  counts(outcome: Outcome): boolean
  /** Order of the outcomes that were not final; the lowest is returned to the client. */
  rank(outcome: Outcome): number
}

/** Chooses the rule: a request for a thing with a record has one upstream, whose answer is always final. */
function ruleFor({ reason }: Route, method: string): Rule {
  const isReading = method === 'GET' || method === 'HEAD'
  if (reason === 'unknown') return probing
  if (reason === 'free') return isReading ? reading : writing
  return { counts: () => true, rank: () => 0 }
}

/**
 * Looks for something that has no record: the first success is final. A failure ranks before a 404, since the thing may
 * live in the upstream that failed.
 */
const probing: Rule = {
  counts: (outcome) => !('error' in outcome) && outcome.answer.status < 400,
  rank: (outcome) => ('error' in outcome ? 1 : outcome.answer.status === 404 ? 2 : 0),
}

/** Reads may be repeated anywhere, so that only a rate limit or a failure makes the gateway ask the next upstream. */
const reading: Rule = {
  counts: (outcome) =>
    !('error' in outcome) && outcome.answer.status !== 429 && outcome.answer.status < 500,
  rank: waitOf,
}

/** Writes are sent again only when the first upstream certainly ran nothing: never reached, or rate limited. */
const writing: Rule = {
  counts: (outcome) =>
    'error' in outcome ? !wasNeverSent(outcome.error) : outcome.answer.status !== 429,
  rank: waitOf,
}

/** Milliseconds after which a retry is worthwhile. Outcomes that name no time rank last. */
function waitOf(outcome: Outcome): number {
  if ('error' in outcome) return Number.MAX_VALUE
  return retryAfterMs(outcome.answer.headers) ?? 1e9
}

/**
 * Attempt: one request, sent to one upstream after another until one gives the answer that counts.
 *
 * @module
 */

import { CfileError, isCfileError } from '../../core/errors.ts'
import { wasNeverSent } from '../../core/http/unsent.ts'
import type { Turn } from '../balance.ts'
import type { Gateway, Upstream } from '../gateway.ts'
import type { Route } from './route.ts'

/** An answer, and the upstream that gave it. */
export interface Answered {
  readonly upstream: Upstream
  readonly answer: Response
  /** To be ended with the answer's body. */
  readonly turn: Turn
}

/** What an upstream did: it answered, or it could not be reached. */
type Outcome = Answered | { readonly upstream: Upstream; readonly error: unknown }

/**
 * Sends a request along its route.
 *
 * @param send sends it once
 * @throws CfileError what `send` throws, where none answered
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
    // Whoever gave up or sent nonsense says nothing about the upstream.
    if (!isCfileError(error) || error.status < 500) throw error
    turn.answered(false)
    return { upstream, error }
  }
}

/** Hands over one outcome; the others' bodies are not wanted. */
async function settle(chosen: Outcome, others: readonly Outcome[]): Promise<Answered> {
  for (const other of others) {
    if (other === chosen || 'error' in other) continue
    other.turn.end()
    await other.answer.body?.cancel()
  }
  if ('error' in chosen) throw chosen.error
  return chosen
}

interface Rule {
  /** Whether no other need be asked. */
  counts(outcome: Outcome): boolean
  /** Which of those that did not count passes: the lowest. */
  rank(outcome: Outcome): number
}

function ruleFor({ reason }: Route, method: string): Rule {
  const isReading = method === 'GET' || method === 'HEAD'
  if (reason === 'unknown') return probing
  if (reason === 'free') return isReading ? reading : writing
  return { counts: () => true, rank: () => 0 }
}

/** Who has a thing that nobody saw yet? An upstream that can't tell is no proof that it is nowhere. */
const probing: Rule = {
  counts: (outcome) => !('error' in outcome) && outcome.answer.status < 400,
  rank: (outcome) => ('error' in outcome ? 1 : outcome.answer.status === 404 ? 2 : 0),
}

const reading: Rule = {
  counts: (outcome) =>
    !('error' in outcome) && outcome.answer.status !== 429 && outcome.answer.status < 500,
  rank: waitOf,
}

/** Sent again only where nothing ran. */
const writing: Rule = {
  counts: (outcome) =>
    'error' in outcome ? !wasNeverSent(outcome.error) : outcome.answer.status !== 429,
  rank: waitOf,
}

/** Milliseconds after which to ask again; what says nothing of it comes last. */
function waitOf(outcome: Outcome): number {
  if ('error' in outcome) return Number.MAX_VALUE
  const { headers } = outcome.answer
  const ms = headers.get('retry-after-ms') ?? ''
  if (/^\d/.test(ms)) return Number(ms)
  const after = headers.get('retry-after') ?? ''
  const seconds = /^\d+(?:\.\d+)?$/.test(after) ? Number(after) : undefined
  const date = (Date.parse(after) - Date.parse(headers.get('date') ?? '')) / 1000
  return (seconds ?? (Number.isFinite(date) ? date : 1e6)) * 1000
}

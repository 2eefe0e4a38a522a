/**
 * Chooses the upstreams for a request, and asks them one after another until one gives a final answer. The things that a
 * request names decide; only requests that name nothing are balanced.
 *
 * A thing exists only in the upstream that created it. Its record names that upstream, so a request with a known id has
 * exactly one upstream, and no other is asked when that one fails.
 *
 * @module
 */

import type { Names } from '../../core/api/names/named-ids.ts'
import { namedKinds, type Operation } from '../../core/api/operations.ts'
import { wasNeverSent } from '../../core/bytes/failures.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import { retryAfterMs } from '../../core/time.ts'
import type { InFlight } from '../balance.ts'
import type { Caller, Gateway, Upstream } from '../gateway.ts'
import { findHeld } from '../owners/access.ts'

/** Upstreams that may get a request. */
export interface Route {
  /** In the order in which they are tried. */
  readonly upstreams: readonly Upstream[]
  /** `known`: the request names something with a record. `unknown`: it names only things without one. `free`: nothing. */
  readonly reason: 'known' | 'unknown' | 'free'
}

/** Facts of a request that decide its route. */
interface RouteFacts {
  readonly method: string
  readonly operation: Operation
  readonly names: Names
  /** `model` of the body, or the deployment of the path. */
  readonly model?: unknown
  /** Whether the request's body can be sent a second time. */
  readonly canRepeat: boolean
}

/**
 * Finds the upstreams for a request. A request that names nothing is balanced when it generates an answer. When it
 * creates something else it goes to the default upstream first, so that files that are used together are in one upstream.
 *
 * @param facts the ids, the model and the operation of the request
 * @throws CfileError `invalid_request` when it names things of two upstreams
 */
export async function findRoute(
  gateway: Gateway,
  caller: Caller,
  facts: RouteFacts,
): Promise<Route> {
  const { method, operation, names, model, canRepeat } = facts
  const { reason, upstreams } = await routeByNames(gateway, caller, names)
  if (reason === 'known') return { reason, upstreams }
  const isReading = method === 'GET' || method === 'HEAD'
  const able = upstreamsForModel(gateway, model)
  if (reason === 'unknown') {
    // The thing may be in any upstream. Only reads are sent to all of them.
    return { reason, upstreams: isReading ? upstreams : [gateway.upstreams[0]] }
  }
  if (operation.answerKind === 'list') return { reason, upstreams: [gateway.upstreams[0]] }
  const ordered = operation.generates ? gateway.balance.order(able) : upstreams
  const mayRepeat = isReading || (method === 'POST' && canRepeat)
  return { reason, upstreams: mayRepeat ? ordered : ordered.slice(0, 1) }
}

/**
 * Finds the upstream that holds the named things.
 *
 * @throws CfileError `invalid_request` when they are in two upstreams
 */
async function routeByNames(gateway: Gateway, caller: Caller, names: Names): Promise<Route> {
  const named = namedKinds.flatMap((kind) => names[kind].map((id) => ({ kind, id })))
  if (named.length === 0) return { upstreams: gateway.upstreams, reason: 'free' }
  const homes = new Map<Upstream, string>()
  for (const { kind, id, held } of await Promise.all(
    named.map(async (name) => ({
      ...name,
      held: await findHeld(gateway, caller, name.kind, name.id),
    })),
  )) {
    const home = gateway.upstreams.find(({ name }) => name === held?.record.upstream)
    if (home !== undefined) homes.set(home, `${kind} ${id}`)
  }
  const [home, ...others] = homes.keys()
  if (others.length > 0) throw twoUpstreams([...homes.values()])
  if (home === undefined) return { upstreams: gateway.upstreams, reason: 'unknown' }
  return { upstreams: [home], reason: 'known' }
}

/** Creates the error for a request that names things of two upstreams. */
function twoUpstreams(things: readonly string[]): CfileError {
  return new CfileError(
    'invalid_request',
    `The request names things that live in different upstreams: ${things.join(', ')}. Each exists only in the upstream that made it, so name things of one upstream.`,
  )
}

/**
 * Upstreams that serve a model: those that list it, else those without a list, else the default.
 *
 * @param model `model` of the body, which may be any JSON value
 */
function upstreamsForModel(gateway: Gateway, model: unknown): readonly Upstream[] {
  const { upstreams } = gateway
  const listed = upstreams.filter(
    ({ models }) => typeof model === 'string' && models?.includes(model),
  )
  if (listed.length > 0) return listed
  const open = upstreams.filter(({ models }) => models === undefined)
  return open.length > 0 ? open : upstreams.slice(0, 1)
}

/** An answer and the upstream that gave it. */
export interface Answered {
  readonly upstream: Upstream
  readonly answer: Response
  /** The request in the count of the balance; the caller ends it when the body has ended. */
  readonly inFlight: InFlight
}

/** The result of one attempt: an answer, or the error that kept the upstream from answering. */
type Outcome = Answered | { readonly upstream: Upstream; readonly error: unknown }

/**
 * Sends a request to the upstreams of its route, one after another, until one gives a final answer. If none does, it
 * returns the best answer. The bodies of all other answers are cancelled.
 *
 * @param method the method that is sent; reads and writes are retried under different rules
 * @param send sends the request to one upstream, once
 * @throws CfileError what `send` threw, when no upstream answered
 */
export async function sendAlongRoute(
  gateway: Gateway,
  route: Route,
  method: string,
  send: (upstream: Upstream) => Promise<Response>,
): Promise<Answered> {
  const rule = ruleFor(route, method)
  const notFinal: Outcome[] = []
  for (const upstream of route.upstreams) {
    const outcome = await sendToUpstream(gateway, upstream, send)
    if (rule.isFinal(outcome)) return choose(outcome, notFinal)
    notFinal.push(outcome)
  }
  const best = notFinal.toSorted((a, b) => rule.rank(a) - rule.rank(b))[0]
  if (best === undefined) throw new CfileError('upstream_error', 'There is no upstream to ask.')
  return choose(best, notFinal)
}

/**
 * Sends the request to one upstream and reports its health to the balance.
 *
 * @param send sends the request once
 * @throws CfileError with a status under 500, since the request is wrong; other errors are part of the outcome
 */
async function sendToUpstream(
  gateway: Gateway,
  upstream: Upstream,
  send: (upstream: Upstream) => Promise<Response>,
): Promise<Outcome> {
  const inFlight = gateway.balance.begin(upstream)
  try {
    const answer = await send(upstream)
    inFlight.setHealth(answer.status < 500)
    return { upstream, answer, inFlight }
  } catch (error) {
    inFlight.end()
    // If the client disconnected or sent a wrong body, the upstream may still be healthy.
    if (!isCfileError(error) || error.status < 500) throw error
    inFlight.setHealth(false)
    return { upstream, error }
  }
}

/** Returns the chosen outcome and cancels the bodies of the others. */
async function choose(chosen: Outcome, others: readonly Outcome[]): Promise<Answered> {
  for (const other of others) {
    if (other === chosen || 'error' in other) continue
    other.inFlight.end()
    await other.answer.body?.cancel()
  }
  if ('error' in chosen) throw chosen.error
  return chosen
}

/** Decides whether another upstream is asked, and which answer is returned. */
interface Rule {
  /** Whether this outcome is final, so that no other upstream is asked. */
  isFinal(outcome: Outcome): boolean
  /** Order of the outcomes that were not final; the lowest is returned to the client. */
  rank(outcome: Outcome): number
}

/**
 * Chooses the rule: a request for a thing with a record has one upstream, whose answer is always final.
 *
 * @param method the method that is sent
 */
function ruleFor({ reason }: Route, method: string): Rule {
  const isReading = method === 'GET' || method === 'HEAD'
  if (reason === 'unknown') return probing
  if (reason === 'free') return isReading ? reading : writing
  return { isFinal: () => true, rank: () => 0 }
}

/**
 * For a thing without a record: the first success is final. A failure ranks before a 404, because the upstream that failed
 * may have the thing.
 */
const probing: Rule = {
  isFinal: (outcome) => !('error' in outcome) && outcome.answer.status < 400,
  rank: (outcome) => ('error' in outcome ? 1 : outcome.answer.status === 404 ? 2 : 0),
}

/** For reads, which any upstream can answer: after a rate limit or a failure the next upstream is asked. */
const reading: Rule = {
  isFinal: (outcome) =>
    !('error' in outcome) && outcome.answer.status !== 429 && outcome.answer.status < 500,
  rank: waitOf,
}

/** For writes: they are sent again only if the upstream certainly did nothing, because it was not reached or limits rates. */
const writing: Rule = {
  isFinal: (outcome) =>
    'error' in outcome ? !wasNeverSent(outcome.error) : outcome.answer.status !== 429,
  rank: waitOf,
}

/** Milliseconds after which a retry may help. Outcomes without a time rank last. */
function waitOf(outcome: Outcome): number {
  if ('error' in outcome) return Number.MAX_VALUE
  return retryAfterMs(outcome.answer.headers) ?? 1e9
}

/**
 * Tokens are kept: one for each scope, obtained once however many callers wait, and anew before the old one ends.
 *
 * @module
 */

import { CfileError } from '../../core/errors.ts'
import { startDeadline, untilAborted } from '../../core/time.ts'
import type { AuthorizeOptions, Credential, Means } from '../credentials.ts'

/** A token, with its times in unix seconds. */
export interface Token {
  readonly value: string
  readonly expiresAt: number
  /** From here on it should be replaced. */
  readonly refreshAt: number
}

/** What a token is obtained with. */
export interface TokenCall extends Means {
  readonly signal: AbortSignal
}

/** Obtains a token for a scope. */
export type Obtain = (scope: string, call: TokenCall) => Promise<Token>

/** A token of so many seconds: replaced five minutes before its end, a long one at half of its life. */
export function tokenFor(value: string, seconds: number, now: number, refreshIn?: number): Token {
  const half = seconds / 2
  const age = refreshIn ?? (seconds > 7200 ? half : Math.max(half, seconds - 300))
  return { value, expiresAt: now + seconds, refreshAt: now + age }
}

interface Slot {
  token?: Token
  flight?: Promise<Token>
  /** Until then a failed refresh is not tried again. */
  resting: number
  /** Until then a refused token is not replaced again: it is not the token that is wrong. */
  forced: number
}

// Seconds.
const nearEnd = 30
const rest = 30
const longestFlightMs = 30_000

/** Makes a credential of whatever obtains tokens. */
export function bearer(kind: string, obtain: Obtain): Credential {
  const slots = new Map<string, Slot>()
  return {
    kind,
    async authorize(scope, options) {
      const slot = slots.get(scope) ?? { resting: 0, forced: 0 }
      slots.set(scope, slot)
      const refresh = () => {
        slot.flight ??= fly(slot, (call) => obtain(scope, call), options)
        return slot.flight
      }
      const { value } = await current(slot, refresh, options)
      return { name: 'authorization', value: `Bearer ${value}` }
    },
  }
}

async function current(
  slot: Slot,
  refresh: () => Promise<Token>,
  { now, signal, refused }: AuthorizeOptions,
): Promise<Token> {
  const { token } = slot
  if (token === undefined) return untilAborted(refresh(), signal)
  const time = now()
  const lives = time < token.expiresAt - nearEnd
  const isRefused = refused === `Bearer ${token.value}`
  // Whoever comes while it is being replaced waits for the other one.
  if (isRefused && lives && time < slot.forced && slot.flight === undefined) return token
  if (isRefused) {
    slot.forced = time + rest
  } else if (lives) {
    // Nobody waits for it, nor hears of its failure while the old one lives.
    if (time >= token.refreshAt && time >= slot.resting) refresh().catch(() => {})
    return token
  }
  return untilAborted(refresh(), signal).catch((error) => {
    if (!signal?.aborted && now() < token.expiresAt) return token
    throw error
  })
}

/** All callers share it, so that it ends with none of them. */
async function fly(
  slot: Slot,
  obtain: (call: TokenCall) => Promise<Token>,
  { fetch, now, wait, random, waitUntil, readFile }: Means,
): Promise<Token> {
  const limit = startDeadline(wait, longestFlightMs)
  const flight = obtain({ fetch, now, wait, random, waitUntil, readFile, signal: limit.signal })
  waitUntil(flight.catch(() => {}))
  try {
    slot.token = await flight
    return slot.token
  } catch (cause) {
    slot.resting = now() + rest
    if (!limit.isOver()) throw cause
    throw new CfileError('upstream_timeout', 'No token came in time.', { cause })
  } finally {
    limit.clear()
    slot.flight = undefined
  }
}

/**
 * Resume: a stream that a client takes up again where it broke off, so that what it has and what it gets fit together.
 *
 * A link in the middle of which it broke off, the call that ran before and whatever else the rest of a text depends on
 * stands in front of the place. So the upstream is asked for the stream from its beginning, as the official SDK does, and
 * what the client has is read and not sent.
 *
 * @module
 */

import type { Operation } from '../../core/api/operations.ts'
import type { LinkMaker } from '../../core/rewrite/link-maker.ts'
import type { EventHandler } from '../../core/sse/pump.ts'
import { eventJson } from '../../core/sse/split.ts'
import type { Source } from '../capture/capture.ts'
import type { Gateway } from '../gateway.ts'
import { createLinker } from '../links.ts'

/** How a stream is taken up again. */
export interface Resumption {
  /** What the upstream is asked instead. */
  readonly query: string
  /** The number of the last event that the client has. */
  readonly after: number
}

/** Tells a request that takes up a stream whose text is rewritten; any other is sent as it is. */
export function resumptionOf(
  { links: { mode: links } }: Pick<Gateway, 'links'>,
  {
    request: { method, query },
    operation: { shows, kind },
  }: {
    readonly request: { readonly method: string; readonly query: string }
    readonly operation: Operation
  },
): Resumption | undefined {
  const isResponse = method === 'GET' && shows === 'answer' && kind === 'response'
  if (links !== 'rewrite' || !isResponse) return undefined
  const asked = new URLSearchParams(query)
  const after = asked.getAll('starting_after').join()
  if (asked.get('stream') !== 'true' || !/^\d{1,15}$/.test(after)) return undefined
  const kept = query.slice(1).split('&')
  return {
    query: `?${kept.filter((pair) => !pair.startsWith('starting_after=')).join('&')}`,
    after: Number(after),
  }
}

/** Lets a handler read all events and sends those behind a number; what has none goes the way of the one before it. */
export function sendAfter(after: number, { push, end }: EventHandler): EventHandler {
  let isNew = false
  const filter = (emit: (raw: Uint8Array) => void) => (raw: Uint8Array) => {
    const number = sequenceNumber(raw)
    if (number !== undefined) isNew = number > after
    if (isNew) emit(raw)
  }
  return { push: (raw, emit) => push(raw, filter(emit)), end: (emit) => end(filter(emit)) }
}

function sequenceNumber(raw: Uint8Array): number | undefined {
  const event = eventJson(raw)
  const isNumbered = typeof event === 'object' && event !== null && 'sequence_number' in event
  return isNumbered ? Number(event.sequence_number) : undefined
}

/**
 * Makes the links of a response. Those in its text end in the same second whenever it is asked for, and so are the same
 * to the letter, until half of their life is over.
 *
 * @param responseId asked for when the first link is made
 */
export function linksOfResponse(
  gateway: Gateway,
  { caller, upstream }: Source,
  responseId: () => string | undefined,
): LinkMaker {
  const { store } = gateway
  const { now } = gateway.runtime
  const { ttl } = gateway.links
  const halfLife = Math.ceil(ttl / 2)
  let until = 0
  async function agree(): Promise<number> {
    const fresh = now() + ttl
    const id = responseId()
    if (id === undefined) return fresh
    const key = `until/${id}/${caller.key}`
    if (await store.put(key, fresh, { ttl: halfLife, ifAbsent: true })) return fresh
    const known = await store.get(key)
    return typeof known === 'number' ? known : fresh
  }
  return {
    file: createLinker(gateway, caller, upstream).file,
    async path(containerId, path) {
      // Without the store a link is as good; only a second copy of it may differ.
      if (until < now() + halfLife) until = await agree().catch(() => now() + ttl)
      const terms = { ttl: Number.POSITIVE_INFINITY, until }
      return createLinker(gateway, caller, upstream, terms).path(containerId, path)
    },
  }
}

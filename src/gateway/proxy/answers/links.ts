/**
 * Links in answers that are read more than once: a stream that the client resumes with `starting_after`, and the history
 * of a response or a conversation. The same text gets the same links each time.
 *
 * How a text is rewritten depends on earlier events, such as the first half of a link or the last call. So for a resumed
 * stream the gateway requests the stream from its beginning, reads the events that the client has, and sends only those
 * after them.
 *
 * Items of a history may be input of the caller, so nothing in them is recorded. Only files that are already recorded for
 * the caller get links.
 *
 * @module
 */

import type { Operation } from '../../../core/api/operations.ts'
import { decodeUtf8 } from '../../../core/http/body.ts'
import { isObject } from '../../../core/json/value.ts'
import type { LinkMaker } from '../../../core/rewrite/link-maker.ts'
import { linkItems } from '../../../core/rewrite/linker.ts'
import type { EventHandler } from '../../../core/sse/pump.ts'
import { eventJson } from '../../../core/sse/split.ts'
import { type Origin, previousTurn, recordedContainer } from '../../capture/capture.ts'
import type { Caller, Gateway } from '../../gateway.ts'
import { createLinker } from '../../links.ts'
import { findRecord } from '../../owners/records.ts'
import type { ProxyRequest } from '../request.ts'

/** How a stream is resumed. */
interface Resumption {
  /** Query for the upstream: the client's without `starting_after`. */
  readonly query: string
  /** `sequence_number` of the last event that the client has. */
  readonly after: number
}

/**
 * Recognizes a request that resumes a rewritten stream. `undefined` for all others, which are sent unchanged.
 *
 * @returns the query to send and the event to continue after
 */
export function resumptionOf(
  { links: { mode: links } }: Pick<Gateway, 'links'>,
  {
    request: { method, query },
    operation: { answerKind, kind },
  }: {
    readonly request: { readonly method: string; readonly query: string }
    readonly operation: Operation
  },
): Resumption | undefined {
  const isResponse = method === 'GET' && answerKind === 'answer' && kind === 'response'
  if (links !== 'rewrite' || !isResponse) return undefined
  const parameters = new URLSearchParams(query)
  const after = parameters.getAll('starting_after').join()
  if (parameters.get('stream') !== 'true' || !/^\d{1,15}$/.test(after)) return undefined
  const kept = query.slice(1).split('&')
  return {
    query: `?${kept.filter((pair) => !pair.startsWith('starting_after=')).join('&')}`,
    after: Number(after),
  }
}

/**
 * Wraps a handler so that it reads all events and emits only those after a number. An event without a number is treated
 * as the one before it.
 *
 * @param after `sequence_number` of the last event that the client has
 */
export function sendAfter(after: number, { push, end }: EventHandler): EventHandler {
  let isNew = false
  const filter = (emit: (raw: Uint8Array) => void) => (raw: Uint8Array) => {
    const number = sequenceNumber(raw)
    if (number !== undefined) isNew = number > after
    if (isNew) emit(raw)
  }
  return { push: (raw, emit) => push(raw, filter(emit)), end: (emit) => end(filter(emit)) }
}

/** `sequence_number` of an event. */
function sequenceNumber(raw: Uint8Array): number | undefined {
  const event = eventJson(raw)
  const isNumbered = isObject(event) && 'sequence_number' in event
  return isNumbered ? Number(event.sequence_number) : undefined
}

/** State of an answer while it is read. */
export interface AnswerState {
  /** Absent until the answer names it. */
  responseId?: string
  /** Ids that only a tool's result named. */
  readonly reported: ReadonlySet<string>
}

/**
 * Creates the links of a response. Links in its text get the same expiry each time the response is read, so that they
 * are identical until half of their lifetime is over. A new expiry is chosen after that.
 *
 * @param answer state of the answer; its fields change while it is read
 */
export function linksOfResponse(
  gateway: Gateway,
  { caller, upstream }: Origin,
  answer: AnswerState,
): LinkMaker {
  const { store, owners } = gateway
  const { now } = gateway.runtime
  const { ttl } = gateway.links
  const halfLife = Math.ceil(ttl / 2)
  let until = 0
  async function chooseExpiry(): Promise<number> {
    const fresh = now() + ttl
    const id = answer.responseId
    if (id === undefined) return fresh
    const key = `until/${id}/${caller.key}`
    if (await store.put(key, fresh, { ttl: halfLife, ifAbsent: true })) return fresh
    const known = await store.get(key)
    return typeof known === 'number' ? known : fresh
  }
  return {
    file: createLinker(gateway, caller, upstream).file,
    async path(containerId, path) {
      if (owners.knowsCallers && answer.reported.has(containerId)) {
        await requireRecorded(gateway, caller, containerId)
      }
      // Without the store the link works too, but the next read may get another one.
      if (until < now() + halfLife) until = await chooseExpiry().catch(() => now() + ttl)
      const terms = { ttl: Number.POSITIVE_INFINITY, until }
      return createLinker(gateway, caller, upstream, terms).path(containerId, path)
    },
  }
}

/**
 * Adds links to the files in a list of items that are recorded for the caller.
 *
 * @param body the JSON of the list
 * @returns the changed JSON; the same array when nothing changed
 */
export async function linkHistory(
  gateway: Gateway,
  origin: Origin,
  { named: { path }, request: { query } }: ProxyRequest,
  body: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { mode } = gateway.links
  if (mode === 'off') return body
  const turn = previousTurn(path)
  const options = {
    mode,
    links: recordedLinks(gateway, origin),
    recordedContainer: () => recordedContainer(gateway, origin, turn).catch(() => undefined),
    // The API's default order is `desc`.
    isNewestFirst: new URLSearchParams(query).get('order') !== 'asc',
  }
  return linkBytes(body, (json) => linkItems(json, options))
}

/** Makes links only to files and containers that are recorded for the caller, since an item may cite any id. */
function recordedLinks(gateway: Gateway, origin: Origin): LinkMaker {
  const { caller } = origin
  const links = linksOfResponse(gateway, origin, { reported: new Set() })
  return {
    async file(citation) {
      const record = await findRecord(gateway, caller, 'file', citation.file_id)
      if (record === undefined || record.container_id !== citation.container_id) throw unrecorded()
      return links.file(citation)
    },
    async path(containerId, path) {
      await requireRecorded(gateway, caller, containerId)
      return links.path(containerId, path)
    },
  }
}

/** @throws Error if the container is not recorded for the caller; the link then stays as it is. */
async function requireRecorded(
  gateway: Gateway,
  caller: Caller,
  containerId: string,
): Promise<void> {
  const record = await findRecord(gateway, caller, 'container', containerId)
  if (record === undefined) throw unrecorded()
}

/** The error that leaves a citation without a link. */
function unrecorded(): Error {
  return new Error('The thing is not recorded for the caller.')
}

/**
 * Applies a change to JSON that is held as bytes.
 *
 * @param link returns the changed JSON text
 * @returns the same array when nothing changed or when the bytes are not UTF-8
 */
export async function linkBytes(
  bytes: Uint8Array<ArrayBuffer>,
  link: (json: string) => Promise<string>,
): Promise<Uint8Array<ArrayBuffer>> {
  const json = decodeUtf8(bytes)
  const linked = json && (await link(json))
  return linked === undefined || linked === json ? bytes : new TextEncoder().encode(linked)
}

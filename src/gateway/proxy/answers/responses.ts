/**
 * Answers of the Responses API: what an answer mentions is recorded before its bytes are released, and its files get
 * links. JSON answers are read whole, streams event by event.
 *
 * The record comes first so that a client can download a file as soon as it gets the citation. An answer that
 * cannot be read (too large, unknown coding, wrong content type) passes unchanged, without records and links.
 *
 * @module
 */

import { mentionsInEvent, noMentions } from '../../../core/api/citations/citation-stream.ts'
import { getMentions, type Mentions } from '../../../core/api/citations/citations.ts'
import { parseJson, readBounded, toBody } from '../../../core/http/body.ts'
import { isEventStreamType, isJsonType } from '../../../core/http/content-type.ts'
import { bodyHeaders } from '../../../core/http/proxied-headers.ts'
import { isObject } from '../../../core/json/value.ts'
import type { LinkOptions } from '../../../core/rewrite/link-maker.ts'
import { linkAnswer } from '../../../core/rewrite/linker.ts'
import { createEventLinker } from '../../../core/rewrite/stream/stream-linker.ts'
import { skipDeltas } from '../../../core/sse/delta.ts'
import { type EventHandler, throughEvents } from '../../../core/sse/pump.ts'
import { eventJson } from '../../../core/sse/split.ts'
import { capture, captureOnce, type Origin, recordedContainer } from '../../capture/capture.ts'
import { recordUncited } from '../../capture/uncited.ts'
import { dropListing, readFileSizes } from '../../containers/listing.ts'
import type { Gateway } from '../../gateway.ts'
import { recordIfUp } from '../../owners/records.ts'
import { cutLongTexts, throughLargeEvents } from './large-answers.ts'
import { type AnswerState, linkBytes, linksOfResponse, sendAfter } from './links.ts'

/**
 * Records what an answer mentions and adds links to its files. Answers that are neither JSON nor a stream of events pass
 * unread, as do answers with an error status.
 *
 * @param answer an answer of the upstream whose body has not been read yet
 * @param after `sequence_number` of the last event that the client already has, for a resumed stream
 */
export async function recordResponse(
  gateway: Gateway,
  origin: Origin,
  answer: Response,
  after?: number,
): Promise<Response> {
  if (!answer.ok || answer.body === null) return answer
  const coding = answer.headers.get('content-encoding')
  if (coding !== null) {
    const message =
      'An answer has a content coding that cannot be decoded here, so its files are not recorded.'
    gateway.log('warn', message, { coding })
    return answer
  }
  if (isEventStreamType(answer.headers)) {
    const handler = createEventHandler(gateway, origin)
    const sent = after === undefined ? handler : sendAfter(after, handler)
    return withEvents(gateway, answer, throughLargeEvents(gateway, sent))
  }
  if (isJsonType(answer.headers)) {
    return withBody(answer, await passJson(gateway, origin, answer.body))
  }
  return answer
}

/**
 * Replaces the body of an answer. Headers that describe the old bytes (length, digests, ETag) are removed.
 *
 * @param body bytes, which get a `Content-Length`, or a stream, which gets none
 */
export function withBody(
  answer: Response,
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>,
): Response {
  const { status, statusText } = answer
  const headers = headersOf(answer)
  if (!(body instanceof Uint8Array)) return new Response(body, { status, statusText, headers })
  headers['content-length'] = String(body.byteLength)
  return new Response(toBody(body), { status, statusText, headers })
}

/**
 * Sends the events of an answer through a handler.
 *
 * @param answer a stream of events whose body has not been read yet
 * @param handler of this answer only
 */
export function withEvents(
  { runtime: { carrier } }: Gateway,
  answer: Response,
  handler: EventHandler,
): Response {
  const bytes = throughEvents(carrier.readAsItArrives(answer), handler)
  return carrier.answer(bytes, { status: answer.status, headers: headersOf(answer) })
}

/** Headers of an answer that do not describe its body. */
function headersOf({ headers }: Response): Record<string, string> {
  const kept = [...headers].filter(([name]) => !bodyHeaders.includes(name))
  return Object.fromEntries(kept)
}

/** Records and links a JSON answer. Answers over the size limit pass unchanged. */
async function passJson(
  gateway: Gateway,
  origin: Origin,
  body: ReadableStream<Uint8Array>,
): Promise<ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>> {
  const read = await readBounded(body, gateway.bounds.maxBodyBytes)
  if (read.whole === undefined) {
    gateway.log(
      'warn',
      'An answer was too large to be read, so its files are not recorded and have no links.',
      { setting: 'CFILE_MAX_BODY_BYTES', limit: gateway.bounds.maxBodyBytes },
    )
    return read.stream
  }
  const { json, restore } = await cutLongTexts(gateway, read.whole)
  if (json === undefined) return read.whole
  const response = parseJson(json)
  const mentions = getMentions(response)
  dropListings(gateway, mentions)
  await recordIfUp(gateway.log, capture(gateway, origin, mentions), idsOf(origin, mentions))
  recordUncited(gateway, origin, response)
  const options = linkOptions(gateway, origin, {
    responseId: mentions.responses[0],
    reported: new Set(mentions.reported),
  })
  if (options === undefined) return read.whole
  const linked = await linkBytes(json, (text) => linkAnswer(text, options))
  return linked === json ? read.whole : restore(linked)
}

/**
 * Creates the handler for the events of one answer. An event that mentions something new waits until the store has it,
 * and so do the events after it. All other events pass at once.
 *
 * @param origin caller and upstream of the answer
 */
export function createEventHandler(gateway: Gateway, origin: Origin): EventHandler {
  const record = captureOnce(gateway, origin)
  const reported = new Set<string>()
  const answer: AnswerState = { reported }
  const options = linkOptions(gateway, origin, answer)
  const linker = options === undefined ? passThrough : createEventLinker(options)
  return {
    push(raw, emit) {
      const mentions = mentionsInEvent(raw)
      if (mentions === noMentions) return linker.push(raw, emit)
      answer.responseId ??= mentions.responses[0]
      for (const id of mentions.reported ?? []) reported.add(id)
      dropListings(gateway, mentions)
      const recording = record(mentions)
      const recorded = recording && recordIfUp(gateway.log, recording, idsOf(origin, mentions))
      if (gateway.containers.recordsUncited && mentions.responses.length > 0) {
        Promise.resolve(recorded).then(
          () => recordUncited(gateway, origin, responseIn(raw)),
          () => {},
        )
      }
      return recorded === undefined
        ? linker.push(raw, emit)
        : recorded.then(() => linker.push(raw, emit))
    },
    // Delta events mention nothing.
    skip: linker.skip,
    end: linker.end,
  }
}

/** Ids that an answer mentions, as fields for the log. */
function idsOf({ caller }: Origin, { responses, containers, citations }: Mentions) {
  const files = citations.map(({ file_id }) => file_id)
  return { owner: caller.owner, responses, containers, files }
}

/** Drops the cached file lists of containers that ran code, since code may have written files. */
function dropListings(gateway: Gateway, { containers }: Mentions): void {
  for (const containerId of containers) dropListing(gateway, containerId)
}

const passThrough: EventHandler = {
  push: (raw, emit) => void emit(raw),
  skip: skipDeltas,
  end: () => undefined,
}

/** Options of the linker; `undefined` when links are off. */
function linkOptions(
  gateway: Gateway,
  origin: Origin,
  answer: AnswerState,
): LinkOptions | undefined {
  const { mode, inlineImages } = gateway.links
  const { caller, upstream } = origin
  if (mode === 'off') return undefined
  const sizes = (containerId: string) => readFileSizes(gateway, caller, { containerId, upstream })
  return {
    mode,
    links: linksOfResponse(gateway, origin, answer),
    sizes: inlineImages === 'link' ? sizes : undefined,
    recordedContainer: (turn) => recordedContainer(gateway, origin, turn).catch(() => undefined),
  }
}

/** The response that an event contains. */
function responseIn(raw: Uint8Array): unknown {
  const event = eventJson(raw)
  return isObject(event) ? event.response : undefined
}

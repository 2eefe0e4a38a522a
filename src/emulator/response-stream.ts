/**
 * Sends a response as a stream, and resumes a broken stream.
 *
 * @module
 */

import { invalidRequest, isJson, jsonText } from './json.ts'
import { pending, withOutputs } from './response-object.ts'
import type {
  CallItem,
  CallStep,
  MessageItem,
  OutputItem,
  OutputText,
  Refusal,
  ResponseObject,
  StreamEvent,
} from './shapes.ts'
import type { Emulation, EmulatorContext, StoredResponse } from './world.ts'

/**
 * The rest of a stream after the event in `starting_after`.
 *
 * @param emulation clock and ids
 * @param c request, with `starting_after`
 * @param stored response that was made as a stream in the background
 * @param include values of `include[]`
 * @throws Refusal 400 if the response was not streamed from the start
 */
export function resumeStream(
  emulation: Emulation,
  c: EmulatorContext,
  stored: StoredResponse,
  include: readonly string[],
): Response {
  if (!stored.streamed) {
    throw invalidRequest(
      400,
      'This response cannot be streamed because it was not created with stream=true.',
      'stream',
    )
  }
  const startingAfter = Number(c.req.query('starting_after') ?? -1)
  const include_obfuscation = c.req.query('include_obfuscation') !== 'false'
  return streamResponse(emulation, c, stored, include, { include_obfuscation }, startingAfter)
}

/**
 * Sends a stored response as a stream, or the part after an event.
 *
 * @param c request, whose signal ends the stream
 * @param stored response to be streamed
 * @param include values of `include[]`
 * @param options `stream_options` of the request
 * @param startingAfter number of the last event that the client has; -1 for all
 */
export function streamResponse(
  { ids, wait, deltaDelayMs }: Emulation,
  c: EmulatorContext,
  stored: StoredResponse,
  include: readonly unknown[],
  options: unknown,
  startingAfter = -1,
): Response {
  const { signal } = c.req.raw
  const isPadded = !isJson(options) || options.include_obfuscation !== false
  // The response finishes at once, so the next request finds it finished.
  stored.polls = 2
  const events = eventsOf(withOutputs(stored.finished, include), stored.sendsError)
  const body = toEventStream(events, {
    startingAfter,
    pad: isPadded ? ids.hex : undefined,
    pause: async () => {
      signal?.throwIfAborted()
      if (deltaDelayMs > 0) await wait(deltaDelayMs, signal)
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
}

/**
 * All events of a response, from beginning to end.
 *
 * @param response as it ends
 * @param sendsError whether an error event precedes the end
 * @see https://platform.openai.com/docs/api-reference/responses-streaming
 */
export function eventsOf(response: ResponseObject, sendsError: boolean): StreamEvent[] {
  const begun = pending(response, 'in_progress')
  const queued = pending(response, 'queued')
  const { background, error } = response
  return [
    { type: 'response.created', response: background ? queued : begun },
    ...(background ? [{ type: 'response.queued' as const, response: queued }] : []),
    { type: 'response.in_progress', response: begun },
    ...response.output.flatMap(itemEvents),
    ...(sendsError && error !== null ? [errorEvent(error)] : []),
    { type: `response.${response.status}`, response },
  ]
}

function errorEvent({ code, message }: { code: string; message: string }): StreamEvent {
  return { type: 'error', error: { type: code, code, message, param: null } }
}

/** The events of one output item: added, content, done. */
function itemEvents(item: OutputItem, output_index: number): StreamEvent[] {
  return [
    { type: 'response.output_item.added', output_index, item: begunItem(item) },
    ...contentEvents(item, output_index),
    { type: 'response.output_item.done', output_index, item },
  ]
}

/** An item as it is when it begins: without content. */
function begunItem(item: OutputItem): OutputItem {
  if (item.type === 'reasoning') return item
  if (item.type === 'message') return { ...item, status: 'in_progress', content: [] }
  return { ...item, status: 'in_progress', code: '', outputs: item.outputs && [] }
}

function contentEvents(item: OutputItem, output_index: number): StreamEvent[] {
  if (item.type === 'reasoning') return []
  return item.type === 'message'
    ? messageEvents(item, output_index)
    : callEvents(item, output_index)
}

/** The events of a call: its code in pieces, then its steps. */
function callEvents(item: CallItem, output_index: number): StreamEvent[] {
  const place = { output_index, item_id: item.id }
  const step = (name: CallStep): StreamEvent => ({
    type: `response.code_interpreter_call.${name}`,
    ...place,
  })
  const type = 'response.code_interpreter_call_code'
  const deltas = tokens(item.code).map(
    (delta): StreamEvent => ({ type: `${type}.delta`, ...place, delta }),
  )
  const { code } = item
  return [
    step('in_progress'),
    ...deltas,
    { type: `${type}.done`, ...place, code },
    step('interpreting'),
    step('completed'),
  ]
}

/** The events of a message, part by part. */
function messageEvents(item: MessageItem, output_index: number): StreamEvent[] {
  return item.content.flatMap((part, content_index): StreamEvent[] => {
    const place = { item_id: item.id, output_index, content_index }
    const begun =
      part.type === 'refusal' ? { ...part, refusal: '' } : { ...part, annotations: [], text: '' }
    return [
      { type: 'response.content_part.added', ...place, part: begun },
      ...(part.type === 'refusal' ? refusalEvents(part, place) : textEvents(part, place)),
      { type: 'response.content_part.done', ...place, part },
    ]
  })
}

interface Place {
  item_id: string
  output_index: number
  content_index: number
}

/** The events of a text: its pieces, its citations, the whole. The service sends citations after the last piece. */
function textEvents({ text, annotations }: OutputText, place: Place): StreamEvent[] {
  return [
    ...tokens(text).map(
      (delta): StreamEvent => ({
        type: 'response.output_text.delta',
        ...place,
        delta,
        logprobs: [],
      }),
    ),
    ...annotations.map(
      (annotation, annotation_index): StreamEvent => ({
        type: 'response.output_text.annotation.added',
        ...place,
        annotation_index,
        annotation,
      }),
    ),
    { type: 'response.output_text.done', ...place, text, logprobs: [] },
  ]
}

function refusalEvents({ refusal }: Refusal, place: Place): StreamEvent[] {
  return [
    ...tokens(refusal).map(
      (delta): StreamEvent => ({ type: 'response.refusal.delta', ...place, delta }),
    ),
    { type: 'response.refusal.done', ...place, refusal },
  ]
}

/** Cuts a text into pieces like a model's tokens: a word with its blank, three digits, one or two signs. */
function tokens(text: string): string[] {
  return text.match(/ ?[\p{L}\p{M}]{1,8}|\p{N}{1,3}| ?[^\p{L}\p{M}\p{N}\s]{1,2}|\s+/gu) ?? []
}

/** Options of a stream. */
interface Sending {
  /** Number of the last event that the client has; the stream begins after it. */
  readonly startingAfter: number
  /** Makes the value of `obfuscation`; absent if the client wants none. */
  readonly pad?: (length: number) => string
  /** Called before each event. */
  readonly pause: () => Promise<void>
}

/**
 * Encodes events as a stream, one event at a time.
 *
 * @param events all of the response, also those that the client has: their index is their number
 * @param sending where to begin, and the pauses
 */
export function toEventStream(
  events: readonly StreamEvent[],
  { startingAfter, pad, pause }: Sending,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let sequence_number = startingAfter + 1
  return new ReadableStream(
    {
      async pull(controller) {
        const event = events[sequence_number]
        if (event === undefined) return controller.close()
        await pause()
        const { type, ...fields } = event
        const padding =
          'delta' in event && pad ? { obfuscation: pad(16 - (event.delta.length % 16)) } : {}
        const data = jsonText({ type, sequence_number, ...fields, ...padding })
        controller.enqueue(encoder.encode(`event: ${type}\ndata: ${data}\n\n`))
        sequence_number += 1
      },
    },
    { highWaterMark: 0 },
  )
}

/**
 * Finds citations in the events of a stream while it passes.
 *
 * @module
 */

import { largeJson, setAside } from '../../json/set-aside.ts'
import { createAnySearch } from '../../search.ts'
import { isDeltaEvent } from '../../sse/delta.ts'
import { createSplitter, dataSpan, eventJson, eventsIn } from '../../sse/split.ts'
import { getMentions } from './citations.ts'
import { type Citation, citationKey, createFindings, type Mentions } from './mentions.ts'
import { isAnswer } from './posted-answer.ts'

// An event without any of these texts mentions nothing, so it is not parsed.
const mayMention = createAnySearch([
  'file_id',
  'container_id',
  '"response"',
  '"item"',
  '"thread"',
  '"thread.message"',
  '"thread.run"',
  '"thread.run.step"',
])

/** The mentions of an event that is not parsed. Callers compare with it to skip work for such events. */
export const noMentions: Mentions = {
  responses: [],
  conversations: [],
  containers: [],
  citations: [],
}

/**
 * The mentions in one raw event; none for a malformed event.
 *
 * @param raw one event with its framing, as {@link createSplitter} yields it
 */
export function mentionsInEvent(raw: Uint8Array): Mentions {
  return !isDeltaEvent(raw) && mayMention(raw) ? getMentions(eventJson(raw)) : noMentions
}

/**
 * The mentions in a whole transcript; `undefined` if no event is one of the API. Parts of a large event that only
 * repeat the request are skipped. Yields at points where other work may run.
 *
 * @param bytes a whole stream of server-sent events, as a back end stored it
 */
export function* mentionsInTranscript(
  bytes: Uint8Array,
): Generator<undefined, Mentions | undefined> {
  const found = createFindings()
  let isKnown = false
  let sincePause = 0
  for (const event of eventsIn(bytes)) {
    const data = event.byteLength < largeJson ? undefined : dataSpan(event)
    const aside = data && (yield* setAside(event, { ...data, member: 'response' }, 'aside'))
    if (aside?.isDense !== true) {
      const read = aside?.bytes ?? event
      isKnown ||= isAnswer(eventJson(read))
      found.all(mentionsInEvent(read))
    }
    sincePause += event.byteLength
    if (sincePause < largeJson) continue
    sincePause = 0
    yield
  }
  return isKnown ? found.mentions() : undefined
}

/**
 * Creates a stream that reads server-sent events and yields each cited file once, as soon as the event that cites it is
 * complete.
 *
 * @example
 * for await (const { file_id } of response.body.pipeThrough(citationStream())) …
 */
export function citationStream(): TransformStream<Uint8Array, Citation> {
  const splitter = createSplitter()
  const seen = new Set<string>()
  type Controller = TransformStreamDefaultController<Citation>
  function read(events: Iterable<Uint8Array>, controller: Controller): void {
    for (const event of events) {
      for (const citation of mentionsInEvent(event).citations) {
        const key = citationKey(citation)
        if (seen.has(key)) continue
        seen.add(key)
        controller.enqueue(citation)
      }
    }
  }
  return new TransformStream({
    transform: (chunk, controller) => read(splitter.push(chunk), controller),
    flush: (controller) => read(splitter.end(), controller),
  })
}

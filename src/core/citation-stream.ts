/**
 * What the events of a stream mention, as they pass.
 *
 * @module
 */

import { getMentions } from './citations.ts'
import { type Citation, citationKey, createFindings, type Mentions } from './findings.ts'
import { createByteSearch, createSplitter, eventJson, forEachEvent, isDeltaEvent } from './sse.ts'

// A file, a container, a response: an event that names none of these mentions nothing, and is not parsed.
const telling = ['file_id', 'container_id', '"response"'].map(createByteSearch)

const nothing: Mentions = { responses: [], conversations: [], containers: [], citations: [] }

/** What one raw event mentions; one that is broken mentions nothing. */
export function mentionsInEvent(raw: Uint8Array): Mentions {
  return !isDeltaEvent(raw) && telling.some((isIn) => isIn(raw))
    ? getMentions(eventJson(raw))
    : nothing
}

/** What a whole transcript mentions. */
export function mentionsInTranscript(bytes: Uint8Array): Mentions {
  const found = createFindings()
  forEachEvent(bytes, (event) => found.all(mentionsInEvent(event)))
  return found.mentions()
}

/**
 * Reads an event stream and yields each cited file once, as soon as the event that cites it is whole.
 *
 * @example
 * for await (const { file_id } of response.body.pipeThrough(citationStream())) …
 */
export function citationStream(): TransformStream<Uint8Array, Citation> {
  const splitter = createSplitter()
  const seen = new Set<string>()
  const readInto =
    (controller: TransformStreamDefaultController<Citation>) => (raw: Uint8Array) => {
      for (const citation of mentionsInEvent(raw).citations) {
        const key = citationKey(citation)
        if (seen.has(key)) continue
        seen.add(key)
        controller.enqueue(citation)
      }
    }
  return new TransformStream({
    transform: (chunk, controller) => splitter.push(chunk, readInto(controller)),
    flush: (controller) => splitter.end(readInto(controller)),
  })
}

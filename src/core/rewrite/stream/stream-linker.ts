/**
 * Adds links to an event stream: to the file annotations of every event, and to `sandbox:` links in texts.
 *
 * @module
 */

import { createAnySearch } from '../../search.ts'
import { isDeltaEvent } from '../../sse/delta-events.ts'
import { readEventText, spliceEvent } from '../../sse/event-text.ts'
import type { EventHandler } from '../../sse/pump.ts'
import { createAnswerContainers } from '../answer-containers.ts'
import { type LinkOptions, linksOfAnswer } from '../link-maker.ts'
import { type EventLinkOptions, eventEdits, readEventFields } from './events.ts'
import { createTextRewriter } from './stream-rewriter.ts'

/** Creates the handler that adds links to the events of one answer. All other events keep their bytes. */
export function createEventLinker({
  links: maker,
  mode = 'annotate',
  sizes,
  recordedContainer,
}: LinkOptions): EventHandler {
  const links = linksOfAnswer(maker)
  return mode === 'rewrite'
    ? createTextRewriter({ links, sizes, containers: createAnswerContainers(recordedContainer) })
    : createAnnotator({ links, sizes })
}

const isCiting = createAnySearch(['container_file_citation', '"file_path"'])

function createAnnotator(options: EventLinkOptions): EventHandler {
  return {
    push(raw, emit) {
      if (!isDeltaEvent(raw) && isCiting(raw)) return annotate(raw, options).then(emit)
      emit(raw)
    },
    end: () => undefined,
  }
}

async function annotate(raw: Uint8Array, options: EventLinkOptions): Promise<Uint8Array> {
  const text = readEventText(raw)
  const event = text && readEventFields(text.json)
  if (text === undefined || event === undefined) return raw
  return spliceEvent(raw, text, await eventEdits(text.json, event, options))
}

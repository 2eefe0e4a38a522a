/**
 * Adds links to an event stream: to the file annotations of every event, and in place of `sandbox:` links in texts. A
 * link is replaced in the deltas and in the same way in every later copy of the text.
 *
 * @module
 */

import { type Edit, stringEdits } from '../../json/edits.ts'
import { stringAt } from '../../json/spans.ts'
import { createAnySearch } from '../../search.ts'
import {
  isDeltaEvent,
  isOtherDelta,
  readTextDelta,
  skipDeltas,
  skipTextDeltas,
  type TextDelta,
  textDeltaType,
} from '../../sse/delta.ts'
import { type EventText, readEventText, spliceEvent } from '../../sse/event.ts'
import type { Emit, EventHandler } from '../../sse/pump.ts'
import { moveEdits } from '../annotations.ts'
import { type AnswerContainers, createAnswerContainers } from '../answer-containers.ts'
import { type LinkOptions, linksOfAnswer } from '../link-maker.ts'
import type { ChangeText } from '../parts.ts'
import { createSpanMover, type Replacement } from '../text/spans.ts'
import { replaceLinks, replaceSandboxLink } from '../text-links.ts'
import { type EventFields, type EventLinkOptions, eventEdits, readEventFields } from './events.ts'
import {
  createStreamedText,
  createStreamParts,
  type StreamedText,
  type StreamPart,
  type StreamParts,
} from './held-text.ts'

/**
 * Creates the handler that adds links to the events of one answer. All other events keep their bytes.
 *
 * @param options link maker, mode, sizes of pictures, and lookup of the previous turn's container
 */
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

const mayCiteFile = createAnySearch(['container_file_citation', '"file_path"'])

function createAnnotator(options: EventLinkOptions): EventHandler {
  return {
    push(raw, emit) {
      if (!isDeltaEvent(raw) && mayCiteFile(raw)) return annotate(raw, options).then(emit)
      emit(raw)
    },
    skip: skipDeltas,
    end: () => undefined,
  }
}

async function annotate(raw: Uint8Array, options: EventLinkOptions): Promise<Uint8Array> {
  const text = readEventText(raw)
  const event = text && readEventFields(text.json)
  if (text === undefined || event === undefined) return raw
  return spliceEvent(raw, text, await eventEdits(text.json, event, options))
}

// An event without any of these texts has no text delta, no container and no agent name, so it is not parsed.
const mayAffectLinks = createAnySearch([
  textDeltaType,
  'container_id',
  '"file_path"',
  'sandbox:',
  'annotation.added',
  'content_part.added',
  '"response"',
  'agent_name',
])

/** A parsed event. */
interface ReadEvent {
  readonly raw: Uint8Array
  readonly text: EventText
  readonly fields: EventFields
}

/** Options of {@link createTextRewriter}. */
interface RewriterOptions extends Pick<EventLinkOptions, 'links' | 'sizes'> {
  readonly containers: AnswerContainers
}

/** Creates the handler that rewrites the events of one answer. */
function createTextRewriter(options: RewriterOptions): EventHandler {
  const { containers } = options
  const parts = createStreamParts()
  const stream: RewrittenStream = { ...options, parts }
  // The text of the previous event.
  let last: StreamedText | undefined

  function skip(chunk: Uint8Array, start: number): number {
    if (parts.isNew() || parts.holding().length > 0) return start
    return skipTextDeltas(chunk, start, ({ outputIndex, contentIndex, text }) =>
      textOf(stream, parts.at(outputIndex, contentIndex)).pass(text),
    )
  }

  function pushDelta(raw: Uint8Array, delta: TextDelta, emit: Emit) {
    const { text, outputIndex, contentIndex } = delta
    last = textOf(stream, parts.at(outputIndex, contentIndex))
    return last.push({ text, raw }, emit)
  }

  /** Handles an event without text. It passes held events of other parts, and waits for held events of its own part. */
  async function pushOther(event: ReadEvent, emit: Emit): Promise<void> {
    const { type, contentIndex } = event.fields
    const own = parts.holding().filter((part) => belongsTo(event.fields, part))
    const [part] = own
    if (part !== undefined && contentIndex !== undefined && !type.endsWith('.done')) {
      last = part.streamed
      const kept = { ...event, raw: event.raw.slice() }
      last?.queue(() => rewriteEvent(stream, kept))
      return
    }
    for (const { streamed } of own) {
      await (type === 'error' ? streamed?.abandon(emit) : streamed?.finish(emit))
    }
    emit(await rewriteEvent(stream, event))
  }

  async function abandon(emit: Emit): Promise<void> {
    for (const { streamed } of parts.holding()) await streamed?.abandon(emit)
  }

  function pushRead(raw: Uint8Array, emit: Emit): Promise<void> | undefined {
    const delta = parts.isNew() ? undefined : readTextDelta(raw)
    if (delta !== undefined) return pushDelta(raw, delta, emit)
    // The same condition as in `skip`, so that the chunk boundaries make no difference.
    const mustParse = parts.isNew() || parts.holding().length > 0
    const isParsed = mustParse || (!isOtherDelta(raw) && mayAffectLinks(raw))
    const text = isParsed ? readEventText(raw) : undefined
    if (text === undefined) {
      emit(raw)
      return undefined
    }
    const fields = readEventFields(text.json)
    // `[DONE]` is the last event, so held text can be released.
    if (fields === undefined) return abandon(emit).then(() => emit(raw))
    parts.addEvent(fields)
    containers.addItem(text.json, fields.item, fields.outputIndex ?? 0)
    containers.addResponse(text.json, fields.response)
    const { outputIndex = 0, contentIndex = 0 } = fields
    const piece = fields.type === textDeltaType ? stringAt(text.json, fields.delta) : undefined
    return piece === undefined
      ? pushOther({ raw, text, fields }, emit)
      : pushDelta(raw, { outputIndex, contentIndex, text: piece }, emit)
  }

  return {
    push(raw, emit) {
      if (last?.isHolding() && isLineFeed(raw)) {
        const lineFeed = raw.slice()
        last.queue(async () => lineFeed)
        return
      }
      last = undefined
      return pushRead(raw, emit)
    },
    skip,
    end: abandon,
  }
}

/** The links, containers and text parts of one rewritten stream. */
interface RewrittenStream extends RewriterOptions {
  readonly parts: StreamParts
}

/** The streamed text of a part; created at its first delta. */
function textOf({ links, containers }: RewrittenStream, part: StreamPart): StreamedText {
  part.streamed ??= createStreamedText({
    replace: (link) => replaceSandboxLink(link, () => containers.find(part.outputIndex), links),
    edit: editDelta,
    isTail: part.isTail,
  })
  return part.streamed
}

/** The raw event with its links added, and links in its copies of the text replaced as in the deltas. */
async function rewriteEvent(
  stream: RewrittenStream,
  { raw, text, fields }: ReadEvent,
): Promise<Uint8Array> {
  const { parts } = stream
  const { outputIndex = 0, contentIndex = 0 } = fields
  const edits = await eventEdits(text.json, fields, {
    ...stream,
    changeText: async (place, whole, annotations) => {
      const part = parts.at(place.outputIndex, place.contentIndex)
      const replacements = await replacementsIn(stream, part, whole, annotations)
      return { replacements, memory: part.memory }
    },
    moveAnnotation: (annotation) => {
      const { streamed, memory } = parts.at(outputIndex, contentIndex)
      // Offsets are unknown if the beginning of the text was missed.
      if (streamed === undefined || streamed.isTail) return []
      const move = createSpanMover(streamed.measure(), streamed.replacements(), memory)
      return moveEdits(annotation, move)
    },
  })
  const whole = fields.type === 'response.output_text.done' ? fields.text : undefined
  const content = stringAt(text.json, whole)
  if (whole !== undefined && content !== undefined) {
    const part = parts.at(outputIndex, contentIndex)
    const replacements = await replacementsIn(stream, part, content, [])
    edits.push(...stringEdits(text.json, whole, replacements))
  }
  return spliceEvent(raw, text, edits)
}

/** The replacements in a whole copy of a text: those of its deltas, else those of the previous copy. */
async function replacementsIn(
  { links, containers }: RewrittenStream,
  part: StreamPart,
  text: string,
  annotations: Parameters<ChangeText>[2],
): Promise<readonly Replacement[]> {
  if (part.decided?.text === text) return part.decided.replacements
  const { streamed } = part
  const offset = streamed?.offsetIn(text)
  const find = () => containers.find(part.outputIndex)
  // A link that was missed in the deltas was already sent, so later annotations must not change it.
  const known = streamed === undefined ? annotations : []
  const all = offset === 0 ? [] : await replaceLinks(text, known, find, links)
  const replacements =
    streamed === undefined || offset === undefined
      ? all
      : [...all.filter(({ end }) => end <= offset), ...shifted(streamed.replacements(), offset)]
  if (text !== '') part.decided = { text, replacements }
  return replacements
}

/** The raw event with edits applied to its delta. */
function editDelta(raw: Uint8Array, edits: readonly Edit[]): Uint8Array {
  const text = readEventText(raw)
  const delta = text && readEventFields(text.json)?.delta
  return text && delta ? spliceEvent(raw, text, stringEdits(text.json, delta, edits)) : raw
}

/** The second half of a CRLF that was split between two chunks belongs to the previous event. */
function isLineFeed(raw: Uint8Array): boolean {
  return raw.length === 1 && raw[0] === 10
}

/** Whether an event belongs to a part. */
function belongsTo(fields: EventFields, part: StreamPart): boolean {
  const { type, outputIndex, contentIndex, item, response } = fields
  if (response !== undefined || type === 'error') return true
  if (outputIndex !== part.outputIndex) return false
  return contentIndex === undefined ? item !== undefined : contentIndex === part.contentIndex
}

function shifted(replacements: readonly Replacement[], offset: number): Replacement[] {
  return replacements.map(({ start, end, ...rest }) => ({
    ...rest,
    start: start + offset,
    end: end + offset,
  }))
}

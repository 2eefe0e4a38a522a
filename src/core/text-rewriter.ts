/**
 * The `sandbox:` links of an event stream, replaced: in the deltas, and alike in every later copy of the text.
 *
 * @module
 */

import { moveEdits } from './annotations.ts'
import type { ChangeText } from './answer-parts.ts'
import { type EventText, readEventText, spliceEvent } from './event-json.ts'
import { type EventFields, eventEdits, readEventFields } from './event-links.ts'
import type { Emit, EventHandler } from './event-pump.ts'
import { type Edit, stringAt, stringEdits } from './json-splice.ts'
import type { AnswerLinks } from './links.ts'
import { createByteSearch } from './sse.ts'
import { createStreamParts, type StreamPart } from './stream-parts.ts'
import { createStreamedText } from './streamed-text.ts'
import { replaceSandboxLink, replaceSandboxLinks } from './text-links.ts'
import { createSpanMover, type Replacement } from './text-spans.ts'

const isDelta = createByteSearch('output_text.delta')

// A container, an annotation, a link, the beginning of a text: an event with none of these changes nothing.
const telling = [
  'container_id',
  '"file_path"',
  'sandbox:',
  'annotation.added',
  'content_part.added',
].map(createByteSearch)

/** An event that was read. */
interface ReadEvent {
  readonly raw: Uint8Array
  readonly text: EventText
  readonly fields: EventFields
}

/** Rewrites the events of one answer. */
export function createTextRewriter(links: AnswerLinks): EventHandler {
  const parts = createStreamParts()

  function pushDelta(event: ReadEvent, emit: Emit): Promise<void> | undefined {
    const { raw, text, fields } = event
    const { delta, outputIndex = 0, contentIndex = 0 } = fields
    const piece = stringAt(text.json, delta)
    if (delta === undefined || piece === undefined) return pushOther(event, emit)
    const part = parts.at(outputIndex, contentIndex)
    part.streamed ??= createStreamedText({
      replace: (link) => replaceSandboxLink(link, part.containerId, links),
      isTail: part.isTail,
    })
    const release = (edits: readonly Edit[]): Uint8Array =>
      edits.length === 0 ? raw : spliceEvent(raw, text, stringEdits(text.json, delta, edits))
    return part.streamed.push({ text: piece, release }, emit)
  }

  /** Overtakes what is held of other parts, and waits behind what is held of its own. */
  async function pushOther(event: ReadEvent, emit: Emit): Promise<void> {
    const { type, contentIndex } = event.fields
    const own = parts.holding().filter((part) => concerns(event.fields, part))
    const [part] = own
    if (part !== undefined && contentIndex !== undefined && !type.endsWith('.done')) {
      part.streamed?.queue(() => rewrite(event))
      return
    }
    for (const { streamed } of own) {
      await (type === 'error' ? streamed?.abandon(emit) : streamed?.finish(emit))
    }
    emit(await rewrite(event))
  }

  async function rewrite({ raw, text, fields }: ReadEvent): Promise<Uint8Array> {
    const { outputIndex = 0, contentIndex = 0 } = fields
    const edits = await eventEdits(text.json, fields, {
      links,
      changeText,
      moveAnnotation: (annotation) => {
        const { streamed, memory } = parts.at(outputIndex, contentIndex)
        // Of a text whose beginning was missed, nobody knows what stands where.
        if (streamed === undefined || streamed.isTail) return []
        const move = createSpanMover(streamed.original(), streamed.replacements(), memory)
        return moveEdits(annotation, move)
      },
    })
    const whole = fields.type === 'response.output_text.done' ? fields.text : undefined
    const content = stringAt(text.json, whole)
    if (whole !== undefined && content !== undefined) {
      const part = parts.at(outputIndex, contentIndex)
      edits.push(...stringEdits(text.json, whole, await decide(part, content, [])))
    }
    return spliceEvent(raw, text, edits)
  }

  const changeText: ChangeText = async (place, text, annotations) => {
    const part = parts.at(place.outputIndex, place.contentIndex, place.containerId)
    return { replacements: await decide(part, text, annotations), memory: part.memory }
  }

  /** How a whole copy changes: as its deltas did, else as the copy before. */
  async function decide(
    part: StreamPart,
    text: string,
    annotations: Parameters<ChangeText>[2],
  ): Promise<readonly Replacement[]> {
    if (part.decided?.text === text) return part.decided.replacements
    const { streamed, containerId } = part
    const offset = text.length - (streamed?.original().length ?? 0)
    const isStreamed = streamed !== undefined && text.endsWith(streamed.original())
    const all =
      isStreamed && offset === 0
        ? []
        : await replaceSandboxLinks(text, annotations, containerId, links)
    const replacements = isStreamed
      ? [...all.filter(({ end }) => end <= offset), ...shifted(streamed.replacements(), offset)]
      : all
    if (text !== '') part.decided = { text, replacements }
    return replacements
  }

  async function abandon(emit: Emit): Promise<void> {
    for (const { streamed } of parts.holding()) await streamed?.abandon(emit)
  }

  return {
    push(raw, emit) {
      const isText = isDelta(raw)
      const isTelling = isText || parts.isNew() || telling.some((isIn) => isIn(raw))
      if (!isTelling && parts.holding().length === 0) return void emit(raw)
      const text = readEventText(raw)
      if (text === undefined) return void emit(raw)
      const fields = readEventFields(text.json)
      // `[DONE]` comes last, whatever was held.
      if (fields === undefined) return abandon(emit).then(() => emit(raw))
      parts.see(text.json, fields)
      const event = { raw, text, fields }
      const isPiece = fields.type === 'response.output_text.delta'
      return isPiece ? pushDelta(event, emit) : pushOther(event, emit)
    },
    end: abandon,
  }
}

/** Whether an event says something of a part. */
function concerns(fields: EventFields, part: StreamPart): boolean {
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

/**
 * Adds links to one event of the Responses API: to the annotation, part, item or response that it carries.
 *
 * @module
 */

import type { Edit } from '../../json/edits.ts'
import { elements, indexAt, pick, rootSpan, type Span, stringAt } from '../../json/spans.ts'
import { type Annotation, linkEdits, readAnnotation } from '../annotations.ts'
import type { AnswerContainers } from '../answer-containers.ts'
import type { AnswerLinks, FileSizes } from '../link-maker.ts'
import { type ChangeText, itemParts, outputParts, partEdits, type TextPart } from '../parts.ts'
import { pictureEdits } from '../pictures.ts'

/** The fields of an event that matter for links. */
export interface EventFields {
  /** Empty if the event has none. */
  readonly type: string
  readonly outputIndex?: number
  readonly contentIndex?: number
  readonly sequenceNumber?: number
  readonly delta?: Span
  readonly text?: Span
  readonly annotation?: Span
  readonly part?: Span
  readonly item?: Span
  readonly response?: Span
}

const keys = [
  'type',
  'output_index',
  'content_index',
  'sequence_number',
  'delta',
  'text',
  'annotation',
  'part',
  'item',
  'response',
] as const

/**
 * Reads the fields of an event of the Responses API; `undefined` if the JSON has no `type`.
 *
 * @param json of the event at the offsets of its text, as {@link readEventText} returns it
 */
export function readEventFields(json: string): EventFields | undefined {
  const { type, output_index, content_index, sequence_number, ...carried } = pick(
    json,
    rootSpan(json),
    keys,
  )
  const name = stringAt(json, type)
  if (name === undefined) return undefined
  return {
    type: name,
    outputIndex: indexAt(json, output_index),
    contentIndex: indexAt(json, content_index),
    sequenceNumber: indexAt(json, sequence_number),
    ...carried,
  }
}

/** How the links of an event are made. Without `changeText` only annotations get links. */
export interface EventLinkOptions {
  readonly links: AnswerLinks
  /** Records the items of a whole response. */
  readonly containers?: AnswerContainers
  readonly changeText?: ChangeText
  /** Further edits of the annotation in an `annotation.added` event. */
  readonly moveAnnotation?: (annotation: Annotation) => Edit[]
  /** Turns on the replacement of pictures. It needs a whole response, because only that lists all files. */
  readonly sizes?: FileSizes
}

/**
 * The edits that add links to the files of an event.
 *
 * @param json of the event
 * @param event its fields, as {@link readEventFields} returned them
 * @param options what gets links, and how texts change
 */
export async function eventEdits(
  json: string,
  event: EventFields,
  { links, containers, changeText, moveAnnotation, sizes }: EventLinkOptions,
): Promise<Edit[]> {
  if (!event.type.startsWith('response.')) return []
  const edits = await Promise.all(
    Array.from(eventParts(json, event, containers), (part) =>
      partEdits(json, part, links, changeText),
    ),
  )
  if (event.annotation !== undefined) {
    const annotation = readAnnotation(json, event.annotation)
    edits.push(await linkEdits(json, annotation, links), moveAnnotation?.(annotation) ?? [])
  }
  const { output } = pick(json, event.response, ['output'])
  edits.push(await pictureEdits(json, output, links, sizes))
  return edits.flat()
}

function* eventParts(
  json: string,
  event: EventFields,
  containers?: AnswerContainers,
): Generator<TextPart> {
  const { outputIndex = 0, contentIndex = 0, part, item, response } = event
  if (part !== undefined) yield { span: part, outputIndex, contentIndex }
  yield* itemParts(json, item, outputIndex)
  yield* outputParts(json, elements(json, pick(json, response, ['output']).output), containers)
}

/**
 * Finds the text parts of a Responses object in its JSON text, and makes their edits.
 *
 * @module
 */

import { type Edit, stringEdits } from '../json/edits.ts'
import { elements, pick, type Span, stringAt } from '../json/spans.ts'
import { type Annotation, linkEdits, moveEdits, readAnnotations } from './annotations.ts'
import type { AnswerContainers } from './answer-containers.ts'
import type { AnswerLinks } from './link-maker.ts'
import { createSpanMover, measureText, type Replacement, type SpanMemory } from './text/spans.ts'

/** A text part of an answer. */
export interface TextPart {
  readonly span: Span
  readonly outputIndex: number
  readonly contentIndex: number
}

/** How the text of a part changes. */
interface TextChange {
  readonly replacements: readonly Replacement[]
  readonly memory?: SpanMemory
}

/** Decides how a part's text changes. */
export type ChangeText = (
  part: TextPart,
  text: string,
  annotations: readonly Annotation[],
) => Promise<TextChange>

/**
 * The text parts of the given output items, in order.
 *
 * @param json text that contains the items
 * @param items spans of the output items, in their order
 * @param containers records each item
 */
export function* outputParts(
  json: string,
  items: Iterable<Span>,
  containers?: AnswerContainers,
): Generator<TextPart> {
  let outputIndex = 0
  for (const item of items) {
    containers?.addItem(json, item, outputIndex)
    yield* itemParts(json, item, outputIndex)
    outputIndex += 1
  }
}

/**
 * The text parts of one output item; none if the item is not a message.
 *
 * @param json text that contains the item
 * @param item its span
 * @param outputIndex position of the item in `output`
 */
export function* itemParts(
  json: string,
  item: Span | undefined,
  outputIndex: number,
): Generator<TextPart> {
  let contentIndex = 0
  for (const span of elements(json, pick(json, item, ['content']).content)) {
    yield { span, outputIndex, contentIndex }
    contentIndex += 1
  }
}

/**
 * The edits that add links to a text part; none if the part is not an `output_text`.
 *
 * @param json text that contains the part
 * @param part its span and its place in the answer
 * @param links cache of the answer's links
 * @param changeText replaces links in the text too; without it only annotations get links
 */
export async function partEdits(
  json: string,
  part: TextPart,
  links: AnswerLinks,
  changeText?: ChangeText,
): Promise<Edit[]> {
  const { type, text, annotations } = pick(json, part.span, ['type', 'text', 'annotations'])
  if (stringAt(json, type) !== 'output_text') return []
  const cited = readAnnotations(json, annotations)
  const edits = (await Promise.all(cited.map((one) => linkEdits(json, one, links)))).flat()
  const content = stringAt(json, text)
  if (changeText === undefined || text === undefined || content === undefined) return edits
  const { replacements, memory } = await changeText(part, content, cited)
  return replacements.length === 0
    ? edits
    : [...edits, ...replaceEdits(json, text, content, cited, { replacements, memory })]
}

/** The edits that replace links in a text and move the spans of its annotations. */
function replaceEdits(
  json: string,
  text: Span,
  content: string,
  annotations: readonly Annotation[],
  { replacements, memory }: TextChange,
): Edit[] {
  const move = createSpanMover(measureText(content), replacements, memory)
  return [
    ...stringEdits(json, text, replacements),
    ...annotations.flatMap((annotation) => moveEdits(annotation, move)),
  ]
}

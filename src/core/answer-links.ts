/**
 * A whole answer in JSON, given its links.
 *
 * @module
 */

import { type AnswerContainers, createAnswerContainers } from './answer-containers.ts'
import { type ChangeText, outputParts, partEdits } from './answer-parts.ts'
import { elements, pick, rootSpan, type Span, stringAt } from './json-spans.ts'
import { splice } from './json-splice.ts'
import { type AnswerLinks, type LinkOptions, linksOfAnswer } from './links.ts'
import { pictureEdits } from './pictures.ts'
import { replaceLinks } from './text-links.ts'

/**
 * Gives the files of a Responses object their links. Only what is added or replaced differs; what is no JSON, no
 * Responses object, or has no links comes back as it is.
 *
 * @param json the body's text
 */
export async function linkAnswer(
  json: string,
  { links: maker, mode = 'annotate', sizes, recordedContainer }: LinkOptions,
): Promise<string> {
  if (!mayHoldFiles(json)) return json
  const response = rootSpan(json)
  const output = outputOf(json, response)
  if (output === undefined) return json
  const links = linksOfAnswer(maker)
  const containers = createAnswerContainers(recordedContainer)
  containers.seeResponse(json, response)
  const changeText = mode === 'rewrite' ? replaceByAnnotations(links, containers) : undefined
  const parts = Array.from(outputParts(json, elements(json, output), containers), (part) =>
    partEdits(json, part, links, changeText),
  )
  const pictures = pictureEdits(json, output, links, sizes)
  return splice(json, (await Promise.all([...parts, pictures])).flat())
}

/** A text change that goes by what the part itself and the items before it say. */
function replaceByAnnotations(links: AnswerLinks, containers: AnswerContainers): ChangeText {
  return async ({ outputIndex }, text, annotations) => ({
    replacements: await replaceLinks(text, annotations, () => containers.find(outputIndex), links),
  })
}

/** Lists of items and compactions hold echoed input, and say so in `object`. */
function outputOf(json: string, response: Span | undefined): Span | undefined {
  const { object, type, output } = pick(json, response, ['object', 'type', 'output'])
  const isResponse = stringAt(json, object) === 'response' || (object ?? type) === undefined
  return isResponse ? output : undefined
}

function mayHoldFiles(json: string): boolean {
  return /container_file_citation|"file_path"|sandbox:/.test(json)
}

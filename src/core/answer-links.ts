/**
 * A whole answer in JSON, given its links.
 *
 * @module
 */

import { type ChangeText, outputParts, partEdits } from './answer-parts.ts'
import { pick, rootSpan, type Span, stringAt } from './json-spans.ts'
import { splice } from './json-splice.ts'
import { type AnswerLinks, type LinkOptions, linksOfAnswer } from './links.ts'
import { pictureEdits } from './pictures.ts'
import { replaceSandboxLinks } from './text-links.ts'

/**
 * Gives the files of a Responses object their links. Only what is added or replaced differs; what is no JSON, no
 * Responses object, or has no links comes back as it is.
 *
 * @param json the body's text
 */
export async function linkAnswer(
  json: string,
  { links: maker, mode = 'annotate', sizes }: LinkOptions,
): Promise<string> {
  if (!mayHoldFiles(json)) return json
  const output = outputOf(json)
  if (output === undefined) return json
  const links = linksOfAnswer(maker)
  const changeText = mode === 'rewrite' ? replaceByAnnotations(links) : undefined
  const parts = Array.from(outputParts(json, output), (part) =>
    partEdits(json, part, links, changeText),
  )
  const pictures = pictureEdits(json, output, links, sizes)
  return splice(json, (await Promise.all([...parts, pictures])).flat())
}

/** A text change that goes by what the part itself and the calls before it say. */
export function replaceByAnnotations(links: AnswerLinks): ChangeText {
  return async ({ containerId }, text, annotations) => ({
    replacements: await replaceSandboxLinks(text, annotations, containerId, links),
  })
}

/** Lists of items and compactions hold echoed input, and say so in `object`. */
function outputOf(json: string): Span | undefined {
  const { object, type, output } = pick(json, rootSpan(json), ['object', 'type', 'output'])
  const isResponse = stringAt(json, object) === 'response' || (object ?? type) === undefined
  return isResponse ? output : undefined
}

function mayHoldFiles(json: string): boolean {
  return /container_file_citation|"file_path"|sandbox:/.test(json)
}

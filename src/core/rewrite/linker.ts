/**
 * Adds links to a whole answer in JSON, or to a list of items.
 *
 * @module
 */

import { type Edit, splice } from '../json/edits.ts'
import { elements, pick, rootSpan, type Span, stringAt } from '../json/spans.ts'
import { type AnswerContainers, createAnswerContainers } from './answer-containers.ts'
import { type AnswerLinks, type LinkMode, type LinkOptions, linksOfAnswer } from './link-maker.ts'
import { type ChangeText, outputParts, partEdits } from './parts.ts'
import { pictureEdits } from './pictures.ts'
import { replaceLinks } from './text-links.ts'

/**
 * Adds links to the files of a Responses object. All other bytes stay the same. Text that is not JSON, is not a
 * Responses object or cites no files is returned unchanged.
 *
 * @param json text of the body
 * @param options link maker, mode, sizes of pictures, and lookup of the previous turn's container
 */
export async function linkAnswer(json: string, options: LinkOptions): Promise<string> {
  if (!mayHoldFiles(json)) return json
  const response = rootSpan(json)
  const output = outputOf(json, response)
  if (output === undefined) return json
  const links = linksOfAnswer(options.links)
  const containers = createAnswerContainers(options.recordedContainer)
  containers.addResponse(json, response)
  const texts = textEdits(json, elements(json, output), { ...options, links, containers })
  const pictures = pictureEdits(json, output, links, options.sizes)
  return splice(json, [...(await texts), ...(await pictures)])
}

/** Options for adding links to items. */
interface ItemOptions extends Omit<LinkOptions, 'sizes'> {
  /** Whether a list begins with the newest item. */
  readonly isNewestFirst: boolean
}

/**
 * Adds links to a list of items, or to a single item.
 *
 * @param json text of the body: `{"data":[…]}`, or one item
 * @param options as for {@link linkAnswer}, and the order of the list: links use the container of the last call
 *   before them
 */
export async function linkItems(json: string, options: ItemOptions): Promise<string> {
  if (!mayHoldFiles(json)) return json
  const root = rootSpan(json)
  const { data } = pick(json, root, ['data'])
  const items = data === undefined && root !== undefined ? [root] : [...elements(json, data)]
  const links = linksOfAnswer(options.links)
  const containers = createAnswerContainers(options.recordedContainer)
  const inOrder = options.isNewestFirst ? items.toReversed() : items
  return splice(json, await textEdits(json, inOrder, { ...options, links, containers }))
}

interface TextOptions {
  readonly links: AnswerLinks
  readonly containers: AnswerContainers
  readonly mode?: LinkMode
}

async function textEdits(
  json: string,
  items: Iterable<Span>,
  { links, containers, mode = 'annotate' }: TextOptions,
): Promise<Edit[]> {
  const changeText = mode === 'rewrite' ? replaceByAnnotations(links, containers) : undefined
  const parts = Array.from(outputParts(json, items, containers), (part) =>
    partEdits(json, part, links, changeText),
  )
  return (await Promise.all(parts)).flat()
}

/** Replaces the links in a text part. The container comes from the part's annotations or from earlier items. */
function replaceByAnnotations(links: AnswerLinks, containers: AnswerContainers): ChangeText {
  return async ({ outputIndex }, text, annotations) => ({
    replacements: await replaceLinks(text, annotations, () => containers.find(outputIndex), links),
  })
}

/** The `output` of a response. Lists of items and compactions are skipped: they hold echoed input. */
function outputOf(json: string, response: Span | undefined): Span | undefined {
  const { object, type, output } = pick(json, response, ['object', 'type', 'output'])
  const isResponse = stringAt(json, object) === 'response' || (object ?? type) === undefined
  return isResponse ? output : undefined
}

function mayHoldFiles(json: string): boolean {
  return /container_file_citation|"file_path"|sandbox:/.test(json)
}

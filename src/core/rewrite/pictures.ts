/**
 * Replaces pictures inside an answer. A figure that code displayed appears in `outputs` as a `data:` URL and also
 * exists as a file.
 *
 * @module
 */

import type { Citation } from '../api/citations/mentions.ts'
import { isAutoPlot } from '../api/container-files.ts'
import type { Edit } from '../json/edits.ts'
import { elements, pick, type Span, stringAt } from '../json/spans.ts'
import { readAnnotations } from './annotations.ts'
import { callContainer } from './answer-containers.ts'
import type { AnswerLinks, FileSizes } from './link-maker.ts'
import { itemParts } from './parts.ts'

interface Picture {
  readonly url: Span
  readonly bytes: number
}

/**
 * The edits that replace pictures with links. The match is certain if an answer has as many pictures of a container as
 * it cites automatic plots, and each picture has the size of the plot at the same position.
 *
 * @param json text that contains the response
 * @param output span of the array `output`
 * @param links cache of the answer's links
 * @param sizes known sizes of each container's files; without it nothing is replaced
 */
export async function pictureEdits(
  json: string,
  output: Span | undefined,
  links: AnswerLinks,
  sizes: FileSizes | undefined,
): Promise<Edit[]> {
  if (sizes === undefined) return []
  const { pictures, plots } = findPictures(json, output)
  const edits = Array.from(pictures, async ([containerId, inContainer]) => {
    const cited = [...(plots.get(containerId)?.values() ?? [])]
    if (cited.length !== inContainer.length) return []
    const known = await sizes(containerId)
    if (inContainer.some(({ bytes }, at) => bytes !== known.get(cited[at]?.file_id ?? '')))
      return []
    return linkPictures(inContainer, cited, links)
  })
  return (await Promise.all(edits)).flat()
}

/** Replaces each picture by the link of the plot at the same position. */
async function linkPictures(
  pictures: readonly Picture[],
  plots: readonly Citation[],
  links: AnswerLinks,
): Promise<Edit[]> {
  const edits = pictures.map(async ({ url }, index): Promise<Edit[]> => {
    const plot = plots[index]
    const link = plot && (await links.file(plot))
    return link === undefined ? [] : [{ ...url, text: JSON.stringify(link.download_url) }]
  })
  return (await Promise.all(edits)).flat()
}

/** The pictures in the outputs and the cited plots of a response, by container, each in order. */
function findPictures(json: string, output: Span | undefined) {
  const pictures = new Map<string, Picture[]>()
  const plots = new Map<string, Map<string, Citation>>()
  for (const item of elements(json, output)) {
    const containerId = callContainer(json, item)
    if (containerId !== undefined) {
      const found = [...(pictures.get(containerId) ?? []), ...picturesOf(json, item)]
      if (found.length > 0) pictures.set(containerId, found)
    }
    for (const { span } of itemParts(json, item, 0)) {
      for (const { citation } of readAnnotations(
        json,
        pick(json, span, ['annotations']).annotations,
      )) {
        if (citation?.container_id === undefined || !isAutoPlot(citation.filename ?? '')) continue
        const cited = plots.get(citation.container_id) ?? new Map<string, Citation>()
        plots.set(citation.container_id, cited.set(citation.file_id, citation))
      }
    }
  }
  return { pictures, plots }
}

function* picturesOf(json: string, call: Span): Generator<Picture> {
  for (const output of elements(json, pick(json, call, ['outputs']).outputs)) {
    const { type, url } = pick(json, output, ['type', 'url'])
    const bytes = pictureLength(stringAt(json, url))
    if (stringAt(json, type) === 'image' && url && bytes !== undefined) yield { url, bytes }
  }
}

/** The number of bytes in a base64 `data:` URL; `undefined` for any other URL. */
function pictureLength(url = ''): number | undefined {
  const start = /^data:image\/\w+;base64,/.exec(url)?.[0].length
  if (start === undefined) return undefined
  const padding = url.endsWith('==') ? 2 : url.endsWith('=') ? 1 : 0
  return ((url.length - start) / 4) * 3 - padding
}

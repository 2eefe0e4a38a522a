/**
 * The `sandbox:` links of one text, replaced: which container each belongs to, and the URL that takes its place.
 *
 * @module
 */

import type { Annotation } from './annotations.ts'
import { nameInPath, spellings } from './container-paths.ts'
import type { AnswerLinks } from './links.ts'
import { findSandboxLinks, readSandboxLink, type SandboxLink } from './sandbox-links.ts'
import { codePointLength, measureText, type Replacement, utf16Offset } from './text-spans.ts'

/**
 * The replacements for a whole text. A link belongs to the container of the annotation that covers it, else to
 * `containerId`, else to that of an annotation with its name; without any it stays.
 *
 * @param containerId of the last code interpreter call before the text
 */
export async function replaceSandboxLinks(
  text: string,
  annotations: readonly Annotation[],
  containerId: string | undefined,
  links: AnswerLinks,
): Promise<Replacement[]> {
  const found = linksAsCited(text, annotations, findSandboxLinks(text).links)
  if (found.length === 0) return []
  const citedContainer = createCitedContainers(text, annotations)
  const replacements = found.map((link) => {
    const { covering, named } = citedContainer(link)
    return replaceSandboxLink(link, covering ?? containerId ?? named, links)
  })
  return (await Promise.all(replacements)).filter((replacement) => replacement !== undefined)
}

/**
 * The links where they are cited: a citation whose span is exactly a link to its file says where that link ends, though
 * nothing else in the text does.
 */
function linksAsCited(
  text: string,
  annotations: readonly Annotation[],
  found: readonly SandboxLink[],
): readonly SandboxLink[] {
  const known = new Set(found.map(({ start, end }) => `${start},${end}`))
  const cited = citedLinks(text, annotations).filter(
    (link) => !known.has(`${link.start},${link.end}`),
  )
  if (cited.length === 0) return found
  const links: SandboxLink[] = []
  for (const link of cited) if (!links.some((other) => overlaps(link, other))) links.push(link)
  const rest = found.filter((link) => !links.some((other) => overlaps(link, other)))
  return [...links, ...rest].sort((one, other) => one.start - other.start)
}

function citedLinks(text: string, annotations: readonly Annotation[]): SandboxLink[] {
  const measure = measureText(text)
  return annotations.flatMap(({ start, end, filename, citation }) => {
    if (!start || !end || filename === undefined || citation === undefined) return []
    const counts = [(offset: number) => offset, (offset: number) => utf16Offset(measure, offset)]
    for (const toUnits of counts) {
      const link = readSandboxLink(text, toUnits(start.value), toUnits(end.value))
      if (link && spellings(nameInPath(link.path)).includes(filename)) return [link]
    }
    return []
  })
}

function overlaps(one: SandboxLink, other: SandboxLink): boolean {
  return one.start < other.end && other.start < one.end
}

/** The replacement for one link; `undefined` where it stays. */
export async function replaceSandboxLink(
  { start, end, path }: SandboxLink,
  containerId: string | undefined,
  links: AnswerLinks,
): Promise<Replacement | undefined> {
  if (containerId === undefined) return undefined
  const made = await links.path(containerId, path)
  return made === undefined
    ? undefined
    : { start, end, text: made.download_url, name: nameInPath(path) }
}

interface CitedContainer {
  readonly covering?: string
  readonly named?: string
}

/** Looks up containers by span, counted either way, and by name; to be asked in the order of the text. */
function createCitedContainers(
  text: string,
  annotations: readonly Annotation[],
): (link: SandboxLink) => CitedContainer {
  const bySpan = new Map<string, Annotation>()
  const byName = new Map<string, Annotation>()
  for (const annotation of annotations) {
    const { start, end, filename, citation } = annotation
    if (citation?.container_id === undefined) continue
    if (start && end) bySpan.set(`${start.value},${end.value}`, annotation)
    if (filename !== undefined && !byName.has(filename)) byName.set(filename, annotation)
  }
  let at = 0
  let points = 0
  return ({ start, end, path }) => {
    if (bySpan.size === 0 && byName.size === 0) return {}
    const name = nameInPath(path)
    const startPoint = points + codePointLength(text.slice(at, start))
    const endPoint = startPoint + codePointLength(text.slice(start, end))
    at = end
    points = endPoint
    const exact = [bySpan.get(`${start},${end}`), bySpan.get(`${startPoint},${endPoint}`)]
    const named = byName.get(name)
    const covering =
      exact.find((annotation) => annotation?.filename === name) ??
      exact.find((annotation) => annotation !== undefined) ??
      (covers(named, start, end) || covers(named, startPoint, endPoint) ? named : undefined)
    return {
      covering: covering?.citation?.container_id,
      named: named?.citation?.container_id,
    }
  }
}

function covers(annotation: Annotation | undefined, start: number, end: number): boolean {
  const { start: from, end: to } = annotation ?? {}
  return from !== undefined && to !== undefined && from.value <= start && to.value >= end
}

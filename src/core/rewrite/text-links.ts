/**
 * Replaces the links of one text that lead to files: finds the container of each link and the URL for it.
 *
 * @module
 */

import type { Citation } from '../api/citations/citations.ts'
import { nameInPath, spellings } from '../api/container-files.ts'
import { cleanFilename } from '../http/content-disposition.ts'
import type { Span } from '../json/spans.ts'
import type { Annotation } from './annotations.ts'
import type { AnswerLinks } from './link-maker.ts'
import { findSandboxLinks, readSandboxLink, type SandboxLink } from './text/sandbox-links.ts'
import {
  codePointLength,
  countBelow,
  measureText,
  type Replacement,
  type TextMeasure,
  utf16Offset,
} from './text/spans.ts'

/** Finds the container for links that no citation covers. */
type FindContainer = () => Promise<string | undefined>

/**
 * The replacements for a whole text: for its `sandbox:` links, and for file names that a citation covers. A link
 * belongs to the container of the citation that covers it, else to the container that `findContainer` finds. Without a
 * container the link stays.
 *
 * @param text of one part, not as JSON
 * @param annotations of that part
 * @param findContainer called at most once for each link
 * @param links cache of the answer's links
 */
export async function replaceLinks(
  text: string,
  annotations: readonly Annotation[],
  findContainer: FindContainer,
  links: AnswerLinks,
): Promise<Replacement[]> {
  const found = linksAsCited(text, annotations, findSandboxLinks(text).links)
  const citedContainer = createCitedContainers(text, annotations)
  const ofLinks = found.map((link) => {
    const covering = citedContainer(link)
    const find = covering === undefined ? findContainer : async () => covering
    return replaceSandboxLink(link, find, links)
  })
  const ofNames = citedNames(text, annotations, found).map((name) => replaceName(name, links))
  const made = await Promise.all([...ofLinks, ...ofNames])
  return inOrder(made.filter((replacement) => replacement !== undefined))
}

/**
 * The replacement for one link; `undefined` if the link stays.
 *
 * @param findContainer called once
 * @param links cache of the answer's links
 * @param link its place and its path
 */
export async function replaceSandboxLink(
  { start, end, path }: SandboxLink,
  findContainer: FindContainer,
  links: AnswerLinks,
): Promise<Replacement | undefined> {
  const containerId = await findContainer()
  if (containerId === undefined) return undefined
  const made = await links.path(containerId, path)
  return made === undefined
    ? undefined
    : { start, end, text: made.download_url, name: nameInPath(path) }
}

/** A file name in the text that a citation covers. */
interface CitedName {
  readonly start: number
  readonly end: number
  readonly name: string
  readonly citation: Citation
}

/** Turns a name into a Markdown link with the name as its text. The citation will cover the URL. */
async function replaceName(
  { start, end, name, citation }: CitedName,
  links: AnswerLinks,
): Promise<Replacement | undefined> {
  const made = await links.file(citation)
  if (made === undefined) return undefined
  const head = `[${name}](`
  const after = { start: head.length, end: head.length + made.download_url.length }
  return { start, end, text: `${head}${made.download_url})`, name, cited: { after } }
}

const balanced = /^(?:[^[\]\\`<\n\r]|\[[^[\]\\`<\n\r]*\])+$/

/** Whether a name can be the text of a Markdown link and can pass through a signed link unchanged. */
function isLinkable(name: string): boolean {
  return balanced.test(name) && cleanFilename(name) === name
}

/** File names that a citation covers exactly, outside links and code. */
function citedNames(
  text: string,
  annotations: readonly Annotation[],
  links: readonly SandboxLink[],
): CitedName[] {
  const measure = measureText(text)
  const names: CitedName[] = []
  for (const annotation of annotations) {
    const { filename: name, citation } = annotation
    if (name === undefined || citation === undefined || !isLinkable(name)) continue
    const place = placesOf(annotation, measure).find(
      ({ start, end }) => text.slice(start, end) === name,
    )
    if (place !== undefined) names.push({ ...place, name, citation })
  }
  if (names.length === 0) return names
  const isTaken = createOverlapSearch([...links, ...findLinksAndCode(text)])
  return apart(names.filter((name) => !isTaken(name)))
}

/**
 * The possible places of an annotation's span in UTF-16 units. There may be two, because the unit of the span is
 * unknown.
 */
function placesOf({ start, end }: Annotation, measure: TextMeasure): Span[] {
  if (start === undefined || end === undefined) return []
  const units = { start: start.value, end: end.value }
  const points = {
    start: utf16Offset(measure, start.value),
    end: utf16Offset(measure, end.value),
  }
  return [units, points].filter((place) => place.start < place.end && place.end <= measure.length)
}

/** Adds links whose extent only a citation defines: its span covers exactly a link to its file. */
function linksAsCited(
  text: string,
  annotations: readonly Annotation[],
  found: readonly SandboxLink[],
): readonly SandboxLink[] {
  const known = new Set(found.map(({ start, end }) => `${start},${end}`))
  const cited = apart(
    citedLinks(text, annotations).filter(({ start, end }) => !known.has(`${start},${end}`)),
  )
  if (cited.length === 0) return found
  const isCited = createOverlapSearch(cited)
  return inOrder([...cited, ...found.filter((link) => !isCited(link))])
}

/** The links that citations cover exactly and whose name is that of the citation. */
function citedLinks(text: string, annotations: readonly Annotation[]): SandboxLink[] {
  const measure = measureText(text)
  return annotations.flatMap((annotation) => {
    const { filename, citation } = annotation
    if (filename === undefined || citation === undefined) return []
    const link = placesOf(annotation, measure)
      .map(({ start, end }) => readSandboxLink(text, start, end))
      .find((one) => one && spellings(nameInPath(one.path)).includes(filename))
    return link ?? []
  })
}

function inOrder<T extends Span>(spans: readonly T[]): T[] {
  return spans.toSorted((one, other) => one.start - other.start)
}

/** Sorts spans and removes each that begins inside an earlier one. */
function apart<T extends Span>(spans: readonly T[]): T[] {
  let end = 0
  return inOrder(spans).filter((span) => {
    const isApart = span.start >= end
    if (isApart) end = span.end
    return isApart
  })
}

/** Creates a test whether a span overlaps any of the given spans. */
function createOverlapSearch(spans: readonly Span[]): (span: Span) => boolean {
  const sorted = inOrder(spans)
  let furthest = 0
  const ends = sorted.map(({ end }) => {
    furthest = Math.max(furthest, end)
    return furthest
  })
  const starts = sorted.map(({ start }) => start)
  return ({ start, end }) => (ends[countBelow(starts, end) - 1] ?? 0) > start
}

/**
 * Creates the lookup of the container of the citation that covers a link. The citation's span, in either unit, is
 * exactly the link, or contains a link with the cited name. Call it with links in ascending order.
 */
function createCitedContainers(
  text: string,
  annotations: readonly Annotation[],
): (link: SandboxLink) => string | undefined {
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
    if (bySpan.size === 0) return undefined
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
    return covering?.citation?.container_id
  }
}

/** Whether a citation's span contains a place. */
function covers(annotation: Annotation | undefined, start: number, end: number): boolean {
  const { start: from, end: to } = annotation ?? {}
  return from !== undefined && to !== undefined && from.value <= start && to.value >= end
}

// Each pattern is bounded, so that a text of only opening marks takes linear time.
const regions = [
  // A fenced block, up to its closing fence or the text's end.
  String.raw`(?<=^|\n) {0,3}(?<fence>\x60{3,}|~{3,})[^\n]*(?:\n[\s\S]*?(?:\n {0,3}\k<fence>[\x60~]*[ \t]*(?=\n|$)|$)|$)`,
  // A code span.
  String.raw`(?<!\x60)(?<ticks>\x60{1,20})(?!\x60)[\s\S]{1,2000}?(?<!\x60)\k<ticks>(?!\x60)`,
  // A link or an image, with its destination or its reference.
  String.raw`\[(?:[^[\]\n]|\[[^[\]\n]{0,200}\]){0,500}\](?:\((?:[^()\n\\]|\\.|\([^()\n]{0,200}\)){0,4096}\)|\[[^\]\n]{0,200}\])`,
  // An HTML link, any other tag, an autolink.
  String.raw`<[aA]\b[^<>]{0,4096}>[\s\S]{0,500}?<\/[aA]>`,
  String.raw`<[^<>\n]{1,4096}>`,
  // A bare URL.
  String.raw`(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{0,20}:\/\/[^\s<>"'\x60)\]]{1,4096}`,
]
const region = new RegExp(regions.join('|'), 'g')

/** The links and the code of a Markdown text, in order. */
function findLinksAndCode(text: string): Span[] {
  return Array.from(text.matchAll(region), ({ 0: found, index }) => ({
    start: index,
    end: index + found.length,
  }))
}

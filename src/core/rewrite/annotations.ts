/**
 * Reads the annotations of a text part in JSON text, adds their links, and moves their spans when the text changes.
 *
 * @module
 */

import type { Citation } from '../api/citations/citations.ts'
import { isContainerFileId, isContainerId, isFileId } from '../ids.ts'
import { type Edit, memberSlot } from '../json/edits.ts'
import { elements, indexAt, pick, type Span, stringAt } from '../json/spans.ts'
import type { AnswerLinks } from './link-maker.ts'
import type { MoveSpan } from './text/spans.ts'

/** An annotation of any type, with the positions of its members in the JSON text. */
export interface Annotation {
  readonly span: Span
  /** The cited file, if this is a file annotation. */
  readonly citation?: Citation
  readonly filename?: string
  readonly start?: Index
  readonly end?: Index
  /** The single position that a `file_citation` or `file_path` has instead of a span. */
  readonly index?: Index
  /** Link members that are already present. */
  readonly link: { readonly download_url?: Span; readonly download_expires_at?: Span }
}

interface Index {
  readonly span: Span
  readonly value: number
}

/** The members that are added to file annotations. */
export const linkMembers = ['download_url', 'download_expires_at'] as const

const keys = [
  'type',
  'container_id',
  'file_id',
  'filename',
  'start_index',
  'end_index',
  'index',
  ...linkMembers,
] as const

/**
 * Reads all annotations of a text part.
 *
 * @param json text that contains the part
 * @param annotations the array's span; no annotations if absent
 */
export function readAnnotations(json: string, annotations: Span | undefined): Annotation[] {
  return Array.from(elements(json, annotations), (span) => readAnnotation(json, span))
}

/**
 * Reads one annotation.
 *
 * @param json text that contains the annotation
 * @param span its place
 */
export function readAnnotation(json: string, span: Span): Annotation {
  const found = pick(json, span, keys)
  const filename = stringAt(json, found.filename)
  const citation = readCitation(
    stringAt(json, found.type),
    stringAt(json, found.container_id),
    stringAt(json, found.file_id),
  )
  const { download_url, download_expires_at } = found
  return {
    span,
    citation: citation === undefined ? undefined : { ...citation, ...(filename && { filename }) },
    filename,
    start: readIndex(json, found.start_index),
    end: readIndex(json, found.end_index),
    index: readIndex(json, found.index),
    link: { download_url, download_expires_at },
  }
}

/**
 * Whether an annotation has a type that can get a link: `container_file_citation` or `file_path`.
 *
 * @param json text that contains the annotation
 * @param span its place
 */
export function isFileAnnotation(json: string, span: Span): boolean {
  const type = stringAt(json, pick(json, span, ['type']).type)
  return type === 'container_file_citation' || type === 'file_path'
}

/**
 * The edits that write a file annotation's link: they add the two link members, or replace present values. No edits if
 * the annotation cites no file or the link could not be made.
 *
 * @param json text that contains the annotation
 * @param links cache of the answer's links
 * @param annotation as {@link readAnnotation} returned it
 */
export async function linkEdits(
  json: string,
  { span, citation, link }: Annotation,
  links: AnswerLinks,
): Promise<Edit[]> {
  const made = citation === undefined ? undefined : await links.file(citation)
  if (made === undefined) return []
  const values = { download_url: made.download_url, download_expires_at: made.expires_at }
  return linkMembers.map((name) => {
    const value = JSON.stringify(values[name])
    const present = link[name]
    return present === undefined
      ? { ...memberSlot(json, span), text: `,"${name}":${value}` }
      : { ...present, text: value }
  })
}

/**
 * The edits that adjust an annotation's span, or its single position, after its text changed.
 *
 * @param annotation of the text that changed
 * @param move gives the new place of a span
 */
export function moveEdits({ start, end, index, filename }: Annotation, move: MoveSpan): Edit[] {
  const edits: Edit[] = []
  const put = ({ span, value }: Index, moved: number): void => {
    if (moved !== value) edits.push({ ...span, text: String(moved) })
  }
  if (start !== undefined && end !== undefined) {
    const [newStart, newEnd] = move(start.value, end.value, filename)
    put(start, newStart)
    put(end, newEnd)
  }
  if (index !== undefined) put(index, move(index.value, index.value)[0])
  return edits
}

function readCitation(
  type: string | undefined,
  container_id: string | undefined,
  file_id: string | undefined,
): Citation | undefined {
  if (
    type === 'container_file_citation' &&
    isContainerId(container_id) &&
    isContainerFileId(file_id)
  ) {
    return { container_id, file_id }
  }
  const isFile = type === 'container_file_citation' || type === 'file_path'
  return isFile && isFileId(file_id) ? { file_id } : undefined
}

function readIndex(json: string, span: Span | undefined): Index | undefined {
  const value = indexAt(json, span)
  return span === undefined || value === undefined ? undefined : { span, value }
}

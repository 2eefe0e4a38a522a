/**
 * Replayed answers without what was added to them: the services refuse fields that they do not know, and the model should
 * read the link that it wrote.
 *
 * @module
 */

import {
  type Annotation,
  isFileAnnotation,
  linkMembers,
  moveEdits,
  readAnnotation,
} from './annotations.ts'
import { elements, pick, rootSpan, type Span, stringAt } from './json-spans.ts'
import { type Edit, removalEdits, splice, stringEdits } from './json-splice.ts'
import { parseLink } from './link-spelling.ts'
import { toWrittenLink } from './sandbox-links.ts'
import {
  createSpanMemory,
  createSpanMover,
  type MoveSpan,
  measureText,
  type Replacement,
} from './text-spans.ts'

/**
 * Takes out of a request what was added to the answers that it replays: the links of annotations, and in the model's
 * texts our own path links, which become `sandbox:` links again. Nothing else changes by a character.
 *
 * @param json the request's body
 * @param publicUrl the base of our links, without a slash at its end
 */
export function unlinkRequest(json: string, publicUrl: string): string {
  if (!mayHoldLinks(json)) return json
  const { input, items } = pick(json, rootSpan(json), ['input', 'items'])
  const edits: Edit[] = []
  for (const list of [input, items]) {
    for (const item of elements(json, list)) edits.push(...itemEdits(json, item, publicUrl))
  }
  return splice(json, edits)
}

/** The same for a body in bytes; it comes back as it is where there is nothing to take out. */
export function unlinkBytes(
  bytes: Uint8Array<ArrayBuffer>,
  publicUrl: string,
): Uint8Array<ArrayBuffer> {
  const json = decodeExactly(bytes)
  if (json === undefined) return bytes
  const unlinked = unlinkRequest(json, publicUrl)
  return unlinked === json ? bytes : new TextEncoder().encode(unlinked)
}

/** `undefined` for bytes that are no UTF-8, or that would not come out again as they went in. */
function decodeExactly(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

// Some serialisers escape each slash.
function mayHoldLinks(json: string): boolean {
  return /download_url|download_expires_at|\/path\\?\//.test(json)
}

function itemEdits(json: string, item: Span, publicUrl: string): Edit[] {
  const { content, role } = pick(json, item, ['content', 'role'])
  const said = stringAt(json, role)
  if (said !== undefined && said !== 'assistant') return []
  const edits = [...elements(json, content)].flatMap((part) => partEdits(json, part, publicUrl))
  const text = stringAt(json, content)
  if (content === undefined || text === undefined || said === undefined) return edits
  return stringEdits(json, content, findOwnLinks(text, publicUrl))
}

function partEdits(json: string, part: Span, publicUrl: string): Edit[] {
  const { type, text, annotations } = pick(json, part, ['type', 'text', 'annotations'])
  if (stringAt(json, type) !== 'output_text') return []
  const content = stringAt(json, text)
  const links = content === undefined ? [] : findOwnLinks(content, publicUrl)
  const edits = text === undefined ? [] : stringEdits(json, text, links)
  const spans = [...elements(json, annotations)]
  if (content !== undefined && links.length > 0) {
    const cited = spans.map((span) => readAnnotation(json, span))
    const move = createReverseMover(content, links, cited)
    edits.push(...cited.flatMap((annotation) => moveEdits(annotation, move)))
  }
  for (const span of spans) {
    if (isFileAnnotation(json, span)) edits.push(...removalEdits(json, span, isAdded))
  }
  return edits
}

/** Our links are ASCII, so they may not tell how the spans were counted; it is UTF-16 then, as most services do. */
function createReverseMover(
  text: string,
  links: readonly Replacement[],
  annotations: readonly Annotation[],
): MoveSpan {
  const memory = createSpanMemory()
  const measure = measureText(text)
  const probe = createSpanMover(measure, links, memory)
  for (const annotation of annotations) moveEdits(annotation, probe)
  return createSpanMover(measure, links, { ...createSpanMemory(), unit: memory.unit ?? 'utf16' })
}

function isAdded(key: string): boolean {
  return (linkMembers as readonly string[]).includes(key)
}

// The signature is a link's end, so that what stands behind it in a text is no part of it.
const signed = /^[\w.~%/?&=-]*?&s=[\w-]{43}(?![\w-])/

/** Our path links in a text, and the links that they took the place of. Whether the signature holds is no matter here. */
function findOwnLinks(text: string, publicUrl: string): Replacement[] {
  const found: Replacement[] = []
  const opening = `${publicUrl}/containers/`
  let start = text.indexOf(opening)
  while (start !== -1) {
    const target = signed.exec(text.slice(start + publicUrl.length))?.[0] ?? ''
    const { grant } = parseLink(target) ?? {}
    if (grant?.kind === 'path') {
      const end = start + publicUrl.length + target.length
      const name = grant.path.slice(grant.path.lastIndexOf('/') + 1)
      found.push({ start, end, text: toWrittenLink(grant.path), name })
    }
    start = text.indexOf(opening, start + opening.length)
  }
  return found
}

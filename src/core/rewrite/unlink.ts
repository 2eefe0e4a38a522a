/**
 * Removes cfile's additions from replayed answers. The services refuse fields that they do not know, and the
 * model should read the link that it wrote.
 *
 * @module
 */

import { nameInPath } from '../api/container-files.ts'
import { createGrowingBuffer } from '../http/body.ts'
import { type Edit, removalEdits, splice, stringEdits } from '../json/edits.ts'
import { type JsonVisitor, scanJson } from '../json/scan.ts'
import { elements, pick, type Span, stringAt } from '../json/spans.ts'
import { jsonTextAt } from '../json/value.ts'
import { readPayload, splitToken, writeName } from '../links/spelling.ts'
import { createByteSearch } from '../search.ts'
import {
  type Annotation,
  isFileAnnotation,
  linkMembers,
  moveEdits,
  readAnnotation,
} from './annotations.ts'
import { toWrittenLink } from './text/sandbox-links.ts'
import {
  createSpanMemory,
  createSpanMover,
  type MoveSpan,
  measureText,
  type Replacement,
} from './text/spans.ts'

/** Items above this size, in bytes, are not messages of a model. */
const largestItem = 4 * 1024 ** 2

/**
 * Removes cfile's additions from the answers that a request body replays: the link members of annotations, and cfile's
 * path links in the model's texts, which become `sandbox:` links again. All other bytes stay the same. A body without
 * additions is returned as is. Yields at points where other work may run.
 *
 * @param bytes valid JSON
 * @param publicUrl base of cfile's links, without a trailing slash
 * @throws CfileError `invalid_request` if the bytes are not JSON
 */
export function* unlinkBytes(
  bytes: Uint8Array<ArrayBuffer>,
  publicUrl: string,
): Generator<undefined, Uint8Array<ArrayBuffer>> {
  const mayHoldLinks = createLinkSearch(publicUrl)
  if (!(yield* searchAll(bytes, mayHoldLinks))) return bytes
  // One buffer, because a list of the pieces would keep the garbage collector busy.
  const unlinked = createGrowingBuffer(bytes.length)
  let kept = 0
  yield* eachItem(bytes, ({ start, end }) => {
    if (end - start > largestItem || !mayHoldLinks(bytes, start, end)) return
    const item = decoder.decode(bytes.subarray(start, end))
    const edited = splice(item, itemEdits(item, { start: 0, end: item.length }, publicUrl))
    if (edited === item) return
    unlinked.push(bytes.subarray(kept, start))
    unlinked.push(encoder.encode(edited))
    kept = end
  })
  if (kept === 0) return bytes
  unlinked.push(bytes.subarray(kept))
  return unlinked.bytes()
}

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** Whether a range of bytes may contain a cfile link or link member. */
type LinkSearch = (bytes: Uint8Array, start: number, end: number) => boolean

/** Searches for the host of the links only, because serialisers may escape the slashes around it. */
function createLinkSearch(publicUrl: string): LinkSearch {
  const searches = [...linkMembers, new URL(publicUrl).host].map(createByteSearch)
  return (bytes, start, end) => searches.some((find) => find(bytes, start, end) !== -1)
}

const block = 1024 ** 2
// More than the longest search term.
const overlap = 256

function* searchAll(bytes: Uint8Array, search: LinkSearch): Generator<undefined, boolean> {
  for (let start = 0; start < bytes.length; start += block) {
    if (search(bytes, start, Math.min(start + block + overlap, bytes.length))) return true
    if (start > 0) yield
  }
  return false
}

// Small items with links take about five times as long to edit as to scan.
const pace = 64 * 1024

/** Calls back with each object in the lists `input` and `items` of a body. */
function* eachItem(bytes: Uint8Array, onItem: (span: Span) => void): Generator<undefined, void> {
  let depth = 0
  let isWanted = false
  let isInList = false
  let start = 0
  const visitor: JsonVisitor = {
    key(from, to) {
      if (depth === 1) isWanted = /^(?:input|items)$/.test(jsonTextAt(bytes, from, to) ?? '')
    },
    scalar() {},
    open(at, isList) {
      depth += 1
      if (depth === 2) isInList = isList && isWanted
      if (depth === 3) start = isList ? -1 : at
    },
    close(end) {
      depth -= 1
      if (depth === 2 && isInList && start !== -1) onItem({ start, end })
    },
  }
  yield* scanJson(bytes, visitor, pace)
}

/** The edits of one item. Only messages of the model are restored; the user's own texts stay. */
function itemEdits(json: string, item: Span, publicUrl: string): Edit[] {
  const { content, role } = pick(json, item, ['content', 'role'])
  const author = stringAt(json, role)
  if (author !== undefined && author !== 'assistant') return []
  const edits = [...elements(json, content)].flatMap((part) => partEdits(json, part, publicUrl))
  const text = stringAt(json, content)
  if (content === undefined || text === undefined || author === undefined) return edits
  return stringEdits(json, content, findOwnLinks(text, publicUrl))
}

/** The edits of one text part. */
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

/**
 * Creates the mover for restored texts. cfile's links are ASCII, so a span may not reveal its unit; UTF-16 is assumed
 * then.
 */
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

/**
 * Finds cfile's links in a text and what they replaced: `sandbox:` links, and names that citations covered. The
 * signature is not verified, because a link with a retired key must be restored too.
 */
function findOwnLinks(text: string, publicUrl: string): Replacement[] {
  const found: Replacement[] = []
  const opening = `${publicUrl}/s/`
  for (let start = text.indexOf(opening); start !== -1; ) {
    const link = readOwnLink(text, start, start + opening.length)
    if (link !== undefined) found.push(link)
    start = text.indexOf(opening, link?.end ?? start + opening.length)
  }
  return found
}

const tokenAtStart = /[\w-]+\.[\w-]{22}(?![\w-])/y
const nameAtStart = /\/[\w.~%-]*(?<![.~_])/y

/** @param at offset of the token */
function readOwnLink(text: string, start: number, at: number): Replacement | undefined {
  const token = matchAt(tokenAtStart, text, at)
  const { grant } = readPayload(splitToken(token)?.payload ?? '') ?? {}
  if (grant?.kind !== 'path' && grant?.kind !== 'file') return undefined
  const behind = at + token.length
  const written = `/${writeName(grant)}`
  // Text may follow the link without a blank. The end must be guessed only if the name was changed.
  const name = text.startsWith(written, behind) ? written : matchAt(nameAtStart, text, behind)
  const end = behind + name.length
  return grant.kind === 'path'
    ? { start, end, text: toWrittenLink(grant.path), name: nameInPath(grant.path) }
    : readLinkedName(text, start, end, grant.filename)
}

/**
 * The link text of a name that was turned into a link; `undefined` for any other link to a file, which the caller
 * wrote.
 */
function readLinkedName(
  text: string,
  start: number,
  end: number,
  name = '',
): Replacement | undefined {
  const head = `[${name}](`
  const first = start - head.length
  if (name === '' || !text.startsWith(head, first) || text[end] !== ')') return undefined
  const url = { start: head.length, end: end - first }
  return { start: first, end: end + 1, text: name, name, cited: { before: url } }
}

/** The match of a sticky pattern at an offset; empty if there is none. */
function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

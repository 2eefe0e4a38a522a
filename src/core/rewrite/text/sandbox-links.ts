/**
 * The grammar of `sandbox:` links: where a link begins and ends in a model's text. Works on a whole text and on a
 * growing one. More text never changes an earlier decision.
 *
 * @module
 */

import { createJsonPrefix } from '../../json/prefix.ts'
import { endOfBareLink, endOfQuotedLink, type Line, type LinkEnd } from './bare-links.ts'

/** The usual beginning of a link. Models also write two or three slashes. */
const sandboxPrefix = 'sandbox:/mnt/data/'

const prefixes = [sandboxPrefix, 'sandbox://mnt/data/', 'sandbox:///mnt/data/']
const prefix = /sandbox:\/{1,3}mnt\/data\//g
const longestPrefix = 20

/** A link at `[start, end)`, in UTF-16 units of the text. */
export interface SandboxLink {
  readonly start: number
  readonly end: number
  /** The path in the form of {@link toCarriedPath}. */
  readonly path: string
}

/** Result of {@link findSandboxLinks}. */
interface FoundLinks {
  readonly links: SandboxLink[]
  /** The offset from which more text may still add a link; the text's length if nothing is undecided. */
  readonly open: number
}

/** Which part of a text is present. */
interface TextExtent {
  /** Offset at which to begin. @default 0 */
  readonly from?: number
  /** Whether more text may follow. @default false */
  readonly isGrowing?: boolean
  /** Whether text before the first character is missing. @default false */
  readonly isTail?: boolean
  /**
   * Whether an offset lies in a JSON string. Called with ascending offsets. @default computed from the start of the
   * text
   */
  readonly isInJson?: (at: number) => boolean
}

/** How many characters before a link are read to determine its form. */
export const lookBehind = 512

// A Linux path has at most 4096 bytes. Without a limit, one open quote could hold back the rest of an answer.
const longestLink = 4096

/**
 * Finds the links of a text. A link is `sandbox:/mnt/data/` and a name. Inside `](…)` it ends at the balancing `)` or
 * at a title; inside `<…>` or quotes at their end; elsewhere as {@link endOfBareLink} says. It never crosses a line
 * end.
 *
 * @param text of a model; offsets are UTF-16 units
 * @param extent which part of the text is there
 */
export function findSandboxLinks(text: string, extent: TextExtent = {}): FoundLinks {
  const { from = 0, isGrowing = false, isInJson = jsonPlaces(text) } = extent
  const links: SandboxLink[] = []
  let at = from
  for (;;) {
    prefix.lastIndex = at
    const [written] = prefix.exec(text) ?? []
    if (written === undefined) {
      return { links, open: isGrowing ? Math.max(at, possibleStart(text)) : text.length }
    }
    const name = prefix.lastIndex
    const start = name - written.length
    const end = linkEnd(text, start, name, { ...extent, isInJson })
    if (end === 'open') return { links, open: start }
    at = name
    if (end !== 'none' && isName(text.slice(name, end))) {
      links.push({ start, end, path: toCarriedPath(text.slice(start, end)) })
      at = end
    }
  }
}

/**
 * The path of a link as a signed link carries it: the part below `/mnt/data/`, or the whole link if it is not spelled
 * in the usual way. {@link toWrittenLink} is the inverse.
 *
 * @param link as the model wrote it, from `sandbox:` on
 */
export function toCarriedPath(link: string): string {
  const path = link.slice(sandboxPrefix.length)
  return link.startsWith(sandboxPrefix) && !path.startsWith('sandbox:') ? path : link
}

/**
 * Restores the link that the model wrote.
 *
 * @param carried path of a signed link
 */
export function toWrittenLink(carried: string): string {
  return carried.startsWith('sandbox:') ? carried : sandboxPrefix + carried
}

/**
 * Reads a part of a text as a link, regardless of the text around it; `undefined` if it is not a link.
 *
 * @param text that contains the part
 * @param start first UTF-16 unit of the part
 * @param end unit after the last one
 */
export function readSandboxLink(text: string, start: number, end: number): SandboxLink | undefined {
  const link = text.slice(start, end)
  const written = prefixes.find((whole) => link.startsWith(whole))
  // A quote may end a string that contains the link.
  if (written === undefined || /[\n\r"]/.test(link)) return undefined
  return isName(link.slice(written.length)) ? { start, end, path: toCarriedPath(link) } : undefined
}

/**
 * Quick check whether a piece of text may contain a link or the beginning of one. It has false positives but no false
 * negatives.
 *
 * @param piece of a text; a link may have begun in an earlier one
 */
export function mayHoldLink(piece: string): boolean {
  return piece.includes('sandbox:/') || beginningIn(piece) < piece.length
}

/** Creates the test whether an offset lies in a JSON string, for a whole text. */
function jsonPlaces(text: string): (at: number) => boolean {
  const json = createJsonPrefix()
  let read = 0
  return (at) => {
    const piece = text.slice(read, at)
    read = at
    return json.read(piece)
  }
}

/** Where the beginning of a link may stand at the end of the text; the text's length if there is none. */
function possibleStart(text: string): number {
  const start = beginningIn(text)
  return isInWord(text.slice(0, start)) ? text.length : start
}

function beginningIn(text: string): number {
  const tail = text.slice(1 - longestPrefix)
  // "s" occurs only at the start of the prefix.
  const at = tail.lastIndexOf('s')
  const begun = at === -1 ? '' : tail.slice(at)
  const isPossible = begun !== '' && prefixes.some((whole) => whole.startsWith(begun))
  return text.length - (isPossible ? begun.length : 0)
}

/** In `mysandbox:` the prefix is part of a word; after an escape such as `\n` in a string literal it is not. */
function isInWord(before: string): boolean {
  const last = before.slice(-6)
  return /[A-Za-z0-9]$/.test(last) && !/\\(?:[a-z]|u[0-9A-Fa-f]{4})$/.test(last)
}

/** URL parsers remove the path segments `.` and `..`, so no link can carry them. */
function isName(path: string): boolean {
  return path.trim() !== '' && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(path)
}

/**
 * Where a link ends.
 *
 * @param start of the prefix
 * @param name offset behind the prefix
 */
function linkEnd(text: string, start: number, name: number, extent: TextExtent): LinkEnd {
  const before = text.slice(Math.max(0, start - lookBehind), start)
  if (isInWord(before)) return 'none'
  const line = lineAt(text, name, extent.isGrowing === true, extent.isInJson?.(start) === true)
  const isUnknown = extent.isTail === true && start === 0
  const bound = isUnknown ? endOfUnknown(line) : endInLine(line, before)
  return typeof bound === 'number' ? name + bound : bound
}

/** The text from a link's name to the end of its line, or of its JSON string. */
function lineAt(text: string, name: number, isGrowing: boolean, isInJson: boolean): Line {
  const longest = text.slice(name, name + longestLink)
  const lineEnd = longest.search(/[\n\r]/)
  const line = lineEnd === -1 ? longest : longest.slice(0, lineEnd)
  const string = isInJson ? /^(?:[^"\\]|\\[\s\S])*"/.exec(line)?.[0] : undefined
  const isTooLong = lineEnd === -1 && longest.length === longestLink
  return {
    text: string ?? line,
    isWhole: string !== undefined || lineEnd !== -1 || isTooLong || !isGrowing,
    isCut: string === undefined && isTooLong,
  }
}

const closers: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '“': '”',
  '”': '”',
  '‘': '’',
  '’': '’',
  '„': '“',
  '‚': '‘',
  '«': '»',
  '»': '«',
  '‹': '›',
  '›': '‹',
}

/** The end of a link by the character before it: `](`, `<`, a quote, or none of them. */
function endInLine(line: Line, before: string): LinkEnd {
  if (/\]\([ \t]*$/.test(before)) return endInParentheses(line)
  const last = before.slice(-1)
  if (last === '<') return endInAngles(line)
  const closer = closers[last]
  return closer === undefined ? endOfBareLink(line, before) : endOfQuotedLink(line, closer)
}

/** The end of a link whose context is missing. It counts only if every form would end it at the same place. */
function endOfUnknown(line: Line): LinkEnd {
  const end = endOfBareLink(line, '')
  if (typeof end !== 'number' || /[)>"'\u201d\u2019\xbb]/.test(line.text.charAt(end))) return end
  return 'none'
}

function endInAngles({ text, isWhole }: Line): LinkEnd {
  const end = text.indexOf('>')
  if (end !== -1) return end
  return isWhole ? 'none' : 'open'
}

/** The end of a link in `](…)`: the balancing parenthesis or a title (CommonMark 0.31 §6.3). */
function endInParentheses({ text, isWhole }: Line): LinkEnd {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (character === '\\') at += 1
    else if (character === '(') depth += 1
    else if (character === ')' && depth > 0) depth -= 1
    else if (character === ')') return text.slice(0, at).trimEnd().length
    else if (isBlank(character) && !isBlank(text[at - 1])) {
      const title = titleAt(text, at)
      if (title === 'title') return at
      if (title === 'open' && !isWhole) return 'open'
    }
  }
  return isWhole ? 'none' : 'open'
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

// In a string literal a backslash stands before its quotes.
const title = /[ \t]+(?:\\?"[^"]*"|\\?'[^']*')[ \t]*\)/y
const titleBeginning = /[ \t]+(?:\\?$|\\?"[^"]*$|\\?'[^']*$|(?:\\?"[^"]*"|\\?'[^']*')[ \t]*$)/y

/** Whether a title and the closing parenthesis follow a blank. */
function titleAt(text: string, blank: number): 'title' | 'none' | 'open' {
  title.lastIndex = blank
  if (title.test(text)) return 'title'
  titleBeginning.lastIndex = blank
  return titleBeginning.test(text) ? 'open' : 'none'
}

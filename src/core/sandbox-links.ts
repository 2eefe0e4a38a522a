/**
 * The grammar of `sandbox:` links: where in a model's text one begins and ends, in a whole text or in one that is still
 * growing. What is decided about a growing text, no later text changes.
 *
 * @module
 */

/** What every link begins with. */
export const sandboxPrefix = 'sandbox:/mnt/data/'

/** A link: `[start, end)` of the text in UTF-16 units, and what stands behind `sandbox:/mnt/data/`, as written. */
export interface SandboxLink {
  readonly start: number
  readonly end: number
  readonly path: string
}

/** What {@link findSandboxLinks} found. */
export interface FoundLinks {
  readonly links: SandboxLink[]
  /** From here on a longer text may have a link; the text's length where nothing is open. */
  readonly open: number
}

/** How much of a text there is. */
export interface TextExtent {
  /** Where to begin. @default 0 */
  readonly from?: number
  /** Whether the text is still growing. @default false */
  readonly isGrowing?: boolean
  /** Whether text was missed before the first character. @default false */
  readonly isTail?: boolean
}

/** How many characters before a link tell its form. */
export const lookBehind = 16

// A path of Linux has at most 4096 bytes; without a limit, one quote could hold back the rest of an answer.
const longestLink = 4096

/**
 * Finds the links of a text. One is `sandbox:/mnt/data/` and a name: inside `](…)` up to the balancing `)` or a title,
 * inside `<…>` or quotes up to their end, else up to a blank, `)`, `]`, `>`, quote or backtick, without trailing
 * `.,;:!?`; never over a line's end.
 */
export function findSandboxLinks(text: string, extent: TextExtent = {}): FoundLinks {
  const { from = 0, isGrowing = false } = extent
  const links: SandboxLink[] = []
  let at = from
  for (;;) {
    const start = text.indexOf(sandboxPrefix, at)
    if (start === -1) {
      return { links, open: isGrowing ? Math.max(at, possibleStart(text)) : text.length }
    }
    const end = linkEnd(text, start, extent)
    if (end === 'open') return { links, open: start }
    const path = end === 'none' ? '' : text.slice(start + sandboxPrefix.length, end)
    if (end !== 'none' && isName(path)) {
      links.push({ start, end, path })
      at = end
    } else {
      at = start + sandboxPrefix.length
    }
  }
}

/** Whether a piece of text may hold a link or the beginning of one; seldom wrong, and cheap. */
export function mayHoldLink(piece: string): boolean {
  return piece.includes(sandboxPrefix) || possibleStart(piece) < piece.length
}

/** Where the text's end may be the beginning of a link; its length where it can not. */
function possibleStart(text: string): number {
  const tail = text.slice(1 - sandboxPrefix.length)
  // No other letter of the prefix is an "s".
  const at = tail.lastIndexOf('s')
  const start = text.length - tail.length + at
  const isPossible =
    at !== -1 && sandboxPrefix.startsWith(tail.slice(at)) && !isWord(text[start - 1])
  return isPossible ? start : text.length
}

/** `mysandbox:` is another word. */
function isWord(character: string | undefined): boolean {
  return character !== undefined && /[A-Za-z0-9_]/.test(character)
}

/** No URL can hold a `.` or `..` as a part of its path. */
function isName(path: string): boolean {
  return path.trim() !== '' && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(path)
}

type Bound = number | 'none' | 'open'

function linkEnd(text: string, start: number, { isGrowing, isTail }: TextExtent): Bound {
  if (isWord(text[start - 1])) return 'none'
  const longest = text.slice(start, start + longestLink)
  const lineEnd = longest.search(/[\n\r]/)
  const line: Line = {
    text: lineEnd === -1 ? longest : longest.slice(0, lineEnd),
    isWhole: lineEnd !== -1 || longest.length === longestLink || !isGrowing,
    isCut: lineEnd === -1 && longest.length === longestLink,
  }
  const before = text.slice(Math.max(0, start - lookBehind), start)
  const bound = endInLine(line, before, isTail === true && start === 0)
  return typeof bound === 'number' ? start + bound : bound
}

/** What stands between a link's first character and its line's end. */
interface Line {
  readonly text: string
  /** Nothing more will come. */
  readonly isWhole: boolean
  /** Because it would be too long, not because the line ended. */
  readonly isCut: boolean
}

const closers: Readonly<Record<string, string>> = {
  '<': '>',
  '"': '"',
  "'": "'",
  '“': '”',
  '‘': '’',
  '„': '“',
  '«': '»',
}

function endInLine(line: Line, before: string, isUnknown: boolean): Bound {
  if (isUnknown) return endOfUnknown(line)
  if (/\]\([ \t]*$/.test(before)) return endInParentheses(line)
  const closer = closers[before.slice(-1)]
  return closer === undefined ? endOfBare(line) : endBefore(line, closer)
}

function endBefore(line: Line, closer: string): Bound {
  const end = line.text.indexOf(closer, sandboxPrefix.length)
  if (end !== -1) return end
  return line.isWhole ? 'none' : 'open'
}

const bareTerminator = /[\s)\]>"'`“”‘’„«»]/

function endOfBare(line: Line): Bound {
  const found = line.text.slice(sandboxPrefix.length).search(bareTerminator)
  if (found === -1 && !line.isWhole) return 'open'
  if (found === -1 && line.isCut) return 'none'
  const end = found === -1 ? line.text.length : sandboxPrefix.length + found
  return line.text.slice(0, end).replace(/[.,;:!?]+$/, '').length
}

/** Nobody knows what stood before: a link only where each form would end it at the same place. */
function endOfUnknown(line: Line): Bound {
  const end = endOfBare(line)
  if (typeof end !== 'number' || /[)>"'”’»]/.test(line.text.charAt(end))) return end
  return 'none'
}

function endInParentheses({ text, isWhole }: Line): Bound {
  let depth = 0
  for (let at = sandboxPrefix.length; at < text.length; at += 1) {
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

const title = /[ \t]+(?:"[^"]*"|'[^']*')[ \t]*\)/y
const titleBeginning = /[ \t]+(?:"[^"]*$|'[^']*$|(?:"[^"]*"|'[^']*')[ \t]*$)/y

/** Whether a blank is followed by a title and the closing parenthesis. */
function titleAt(text: string, blank: number): 'title' | 'none' | 'open' {
  title.lastIndex = blank
  if (title.test(text)) return 'title'
  titleBeginning.lastIndex = blank
  return titleBeginning.test(text) ? 'open' : 'none'
}

/**
 * Finds the end of a `sandbox:` link that stands bare in a text or in quotes.
 *
 * @module
 */

/** The text after a link's prefix, up to the end of its line or string. */
export interface Line {
  readonly text: string
  /** Whether the text is complete. */
  readonly isWhole: boolean
  /** Whether the text was cut at the length limit instead of at a line end. */
  readonly isCut: boolean
}

/** Where a link ends in its line: an offset, `none` if this is not a link, `open` if only more text can decide. */
export type LinkEnd = number | 'none' | 'open'

// Full-width and CJK punctuation, and the full-width forms of ASCII characters that end a link.
const wide = String.raw`(?=\p{P})[\u3000-\u303f\ufe10-\ufe1f\ufe30-\ufe6f\uff00-\uffef]|[\uff5c\uff1c\uff1e\uff40]`
// “ ” ‘ ’. Escaped, like all such characters in regular expressions, since a bundle of ASCII alone is read faster.
const quotes = String.raw`\u201c\u201d\u2018\u2019`
// „ ‚
const lowQuotes = String.raw`\u201e\u201a`
const marks = new RegExp(
  String.raw`\\+|sandbox:|[\s)\]>|<"'${quotes}${lowQuotes}\xab\xbb\u2039\u203a\x60]|\p{Ps}|\p{Pe}|\p{Co}|${wide}`,
  'gu',
)
const wideMark = new RegExp(`^(?:${wide})$`, 'u')
const noLink = new RegExp(String.raw`^["'${quotes}\x60\p{L}]`, 'u')
const openedOtherwise = new RegExp(`[([${lowQuotes}]`)

/** The next mark at which a bare name may end. */
function findMark(text: string, from: number): { text: string; at: number } | undefined {
  marks.lastIndex = from
  const found = marks.exec(text)
  return found === null ? undefined : { text: found[0], at: found.index }
}

/**
 * The end of a bare link. A link ends at a blank, a quote, a closing bracket, CJK punctuation or any other character
 * that a name in a sentence cannot contain. Punctuation of the sentence and closing emphasis markers at the end are not
 * part of the link.
 *
 * @param line the text behind the link's prefix
 * @param before the text before the link, to find emphasis markers that are open
 */
export function endOfBareLink(line: Line, before: string): LinkEnd {
  const end = endOfName(line)
  return typeof end === 'number' ? trimmed(line.text.slice(0, end), before) : end
}

function endOfName({ text, isWhole, isCut }: Line): LinkEnd {
  for (let mark = findMark(text, 0); mark !== undefined; ) {
    const after = nameBehind(text, mark, isWhole)
    if (after === 'open') return 'open'
    if (after === 'none') return mark.at
    mark = findMark(text, after)
  }
  if (!isWhole) return 'open'
  return isCut ? 'none' : text.length
}

/** Where a name continues after a mark; `none` if the mark ends the name. */
function nameBehind(text: string, mark: { text: string; at: number }, isWhole: boolean): LinkEnd {
  if (mark.text.startsWith('\\')) return behindBackslashes(text, mark.at, isWhole)
  if (isOpening(mark.text)) return behindPair(text, mark.at, isWhole)
  // An opening Markdown bracket may be part of a name; a closing one ends the name.
  return /[([]/.test(mark.text) ? mark.at + 1 : 'none'
}

/**
 * The end of a link in quotes: at the closing quote, or at an escape of the surrounding string literal.
 *
 * @param line the text behind the link's prefix
 * @param closer the closing quote
 */
export function endOfQuotedLink({ text, isWhole }: Line, closer: string): LinkEnd {
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === closer) return at
    if (text[at] !== '\\') continue
    const after = behindBackslashes(text, at, isWhole)
    if (after === 'open') return 'open'
    if (after === 'none') return at
    at = after - 1
  }
  return isWhole ? 'none' : 'open'
}

/**
 * Where a name continues after backslashes. `none` if a quote or a letter follows, because the backslashes then belong
 * to a surrounding string literal. A letter may itself be escaped, as in `\u00e9`.
 */
function behindBackslashes(text: string, start: number, isWhole: boolean): LinkEnd {
  let end = start
  while (text[end] === '\\') end += 1
  const next = text.slice(end, end + 5)
  if (!isWhole && /^(?:u[0-9A-Fa-f]{0,3})?$/.test(next)) return 'open'
  if (end - start === 1 && /^u[0-9A-Fa-f]{4}/.test(next)) {
    const character = String.fromCharCode(Number.parseInt(next.slice(1), 16))
    return /[\p{L}\p{M}\p{N}\p{Cs}]/u.test(character) ? end + 5 : 'none'
  }
  return noLink.test(next) ? 'none' : end
}

/**
 * Whether a bracket opens a pair that may be part of a name. Parentheses and square brackets are excluded because
 * Markdown uses them.
 */
function isOpening(mark: string): boolean {
  return /^\p{Ps}$/u.test(mark) && !openedOtherwise.test(mark)
}

const ending = /\.[A-Za-z0-9]{1,10}(?![A-Za-z0-9])/y

/** Where a name continues after a pair of brackets; `none` if no file extension follows. */
function behindPair(text: string, start: number, isWhole: boolean): LinkEnd {
  const end = endOfPair(text, start, isWhole)
  if (typeof end !== 'number') return end
  if (!isWhole && /^(?:\.[A-Za-z0-9]{0,10})?$/.test(text.slice(end))) return 'open'
  ending.lastIndex = end
  return ending.test(text) ? end : 'none'
}

/**
 * Where the pair that opens at `start` closes. Wide punctuation may stand inside; other characters that end a name may
 * not.
 */
function endOfPair(text: string, start: number, isWhole: boolean): LinkEnd {
  const open: string[] = []
  for (let mark = findMark(text, start); mark !== undefined; ) {
    const end = mark.at + mark.text.length
    if (isOpening(mark.text)) open.push(closerOf(mark.text))
    else if (mark.text === open.at(-1)) open.pop()
    else if (/\p{Pe}/u.test(mark.text) || !wideMark.test(mark.text)) return 'none'
    if (open.length === 0) return end
    mark = findMark(text, end)
  }
  return isWhole ? 'none' : 'open'
}

/** The bracket that closes a pair. In Unicode it is one or two code points after the opening bracket. */
function closerOf(opening: string): string {
  const code = opening.codePointAt(0) ?? 0
  const next = String.fromCodePoint(code + 1)
  return /\p{Pe}/u.test(next) ? next : String.fromCodePoint(code + 2)
}

/** The length of a name without the punctuation of the sentence at its end. */
function trimmed(name: string, before: string): number {
  let end = name.length
  const closed = new Set<string>()
  for (;;) {
    // A backslash here escapes the character that ended the name.
    while (end > 0 && '.,;:!?…\\'.includes(name.charAt(end - 1))) end -= 1
    const marker = name.charAt(end - 1)
    if (!/^[*_~]$/.test(marker) || closed.has(marker)) return end
    closed.add(marker)
    let left = openMarkers(before, marker)
    while (left > 0 && name.charAt(end - 1) === marker) {
      end -= 1
      left -= 1
    }
  }
}

/** How many emphasis markers are open at the end of a paragraph, by the rules of CommonMark 0.31 §6.2. */
function openMarkers(before: string, marker: string): number {
  const paragraph = before.slice((/^[\s\S]*\n[ \t\r]*\n/.exec(before)?.[0] ?? '').length)
  let open = 0
  for (let at = paragraph.indexOf(marker); at !== -1; ) {
    let end = at
    while (paragraph[end] === marker) end += 1
    // The end of the paragraph counts as text, because the link follows.
    const [previous, next] = [kindOf(paragraph[at - 1]), kindOf(paragraph[end] ?? 's')]
    const isInWord = marker === '_' && previous === 'letter' && next === 'letter'
    const opens = next === 'letter' || (next === 'punctuation' && previous !== 'letter')
    const closes = previous === 'letter' || (previous === 'punctuation' && next !== 'letter')
    if (closes && open > 0 && !isInWord) open = Math.max(0, open - (end - at))
    else if (opens && !isInWord) open += end - at
    at = paragraph.indexOf(marker, end)
  }
  return open
}

function kindOf(character = ' '): 'space' | 'punctuation' | 'letter' {
  if (/\s/.test(character)) return 'space'
  return /[\p{P}\p{S}]/u.test(character) ? 'punctuation' : 'letter'
}

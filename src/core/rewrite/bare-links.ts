/**
 * Where bare `sandbox:` links end, and those in quotes.
 *
 * @module
 */

/** The text after a link's prefix, up to the end of its line or string. */
export interface Line {
  readonly text: string
  /** Whether the text is complete. */
  readonly isWhole: boolean
  /** Whether it was cut because it would be too long, not because the line ended. */
  readonly isCut: boolean
}

/** Where a link ends in its line; `none` where it is no link, `open` where a longer text decides. */
export type LinkEnd = number | 'none' | 'open'

// Full-width and CJK punctuation, and the full-width forms of ASCII characters that end a link.
const wide = String.raw`(?=\p{P})[\u3000-\u303f\ufe10-\ufe1f\ufe30-\ufe6f\uff00-\uffef]|[｜＜＞｀]`
const marks = new RegExp(
  String.raw`\\+|sandbox:|[\s)\]>|<"'“”‘’„‚«»‹›\x60]|\p{Ps}|\p{Pe}|\p{Co}|${wide}`,
  'gu',
)
const wideMark = new RegExp(`^(?:${wide})$`, 'u')

/** The next mark at which a bare name may end. */
function findMark(text: string, from: number): { text: string; at: number } | undefined {
  marks.lastIndex = from
  const found = marks.exec(text)
  return found === null ? undefined : { text: found[0], at: found.index }
}

/**
 * The end of a bare link: at a blank, a quote, a bracket that closes, punctuation of CJK scripts or what else no name in
 * a sentence holds; without the sentence's own marks, and without emphasis that was opened before it.
 *
 * @param before the text before the link
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

/** Where a name goes on behind a mark; `none` where it ends there. */
function nameBehind(text: string, mark: { text: string; at: number }, isWhole: boolean): LinkEnd {
  if (mark.text.startsWith('\\')) return behindBackslashes(text, mark.at, isWhole)
  if (isOpening(mark.text)) return behindPair(text, mark.at, isWhole)
  // Markdown's own brackets open in a name, and end one.
  return /[([]/.test(mark.text) ? mark.at + 1 : 'none'
}

/** The end of a link in quotes: where they close, or the string literal around it goes on. */
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
 * Where a name goes on behind backslashes; `none` where they stand before a quote or a letter, and so belong to a string
 * literal around it. A letter may be escaped itself, as `\u00e9`.
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
  return /^["'“”‘’`\p{L}]/u.test(next) ? 'none' : end
}

/** Whether a bracket opens a pair that may belong to a name; parentheses and square brackets are Markdown's. */
function isOpening(mark: string): boolean {
  return /^\p{Ps}$/u.test(mark) && !/[([„‚]/.test(mark)
}

const ending = /\.[A-Za-z0-9]{1,10}(?![A-Za-z0-9])/y

/** Where a name goes on behind a pair of brackets; `none` where no file ending follows it. */
function behindPair(text: string, start: number, isWhole: boolean): LinkEnd {
  const end = endOfPair(text, start, isWhole)
  if (typeof end !== 'number') return end
  if (!isWhole && /^(?:\.[A-Za-z0-9]{0,10})?$/.test(text.slice(end))) return 'open'
  ending.lastIndex = end
  return ending.test(text) ? end : 'none'
}

/** Where the pair that opens here is closed; punctuation may stand inside, what else ends a name may not. */
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

/** The bracket that closes a pair: Unicode has it one or two code points after the opening one. */
function closerOf(opening: string): string {
  const code = opening.codePointAt(0) ?? 0
  const next = String.fromCodePoint(code + 1)
  return /\p{Pe}/u.test(next) ? next : String.fromCodePoint(code + 2)
}

/** A name's length without the marks at its end that belong to the sentence. */
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

/** How many of these marks are open at a paragraph's end, by the rules of CommonMark's emphasis. */
function openMarkers(before: string, marker: string): number {
  const paragraph = before.slice((/^[\s\S]*\n[ \t\r]*\n/.exec(before)?.[0] ?? '').length)
  let open = 0
  for (let at = paragraph.indexOf(marker); at !== -1; ) {
    let end = at
    while (paragraph[end] === marker) end += 1
    // A link follows the text.
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

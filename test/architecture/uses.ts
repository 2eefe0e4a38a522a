/**
 * Finds uses of a global in masked source.
 *
 * @module
 */

/**
 * Returns the offsets of `name` as a global: not as a property, a key or a type, and not when the same top-level
 * declaration binds the name, as in `const { fetch } = options`.
 */
export function findUses(masked: string, name: string): readonly number[] {
  return declarations(masked).flatMap(({ text, start }) => {
    const found = mentions(text, name)
    if (found.some((mention) => isBinding(text, mention))) return []
    return found.filter((mention) => isUse(text, mention)).map((mention) => start + mention.start)
  })
}

// The formatter indents everything except top-level declarations and their closing brackets.
function declarations(masked: string): { text: string; start: number }[] {
  let start = 0
  return masked.split(/^(?=[^\s)\]}])/m).map((text) => {
    start += text.length
    return { text, start: start - text.length }
  })
}

interface Mention {
  readonly start: number
  readonly end: number
}

function mentions(text: string, name: string): Mention[] {
  const spelling = name.replace(/\./g, String.raw`\s*\??\.\s*`).replace(/ /g, String.raw`\s+`)
  // `new Date` with arguments reads no clock.
  const tail = name === 'new Date' ? String.raw`(?!\s*\(\s*[^\s)])` : ''
  const shape = new RegExp(String.raw`(?<![\w$]|(?<!\.\.)\.)${spelling}\b${tail}`, 'g')
  return [...text.matchAll(shape)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }))
}

function isUse(text: string, { start, end }: Mention): boolean {
  const before = text.slice(0, start)
  const isType = /\btypeof\s+$/.test(before)
  const isKey = /^\s*\??\s*:/.test(text.slice(end)) && !/\?\s*$/.test(before)
  const isMethod = /(?:^|[{;,\n])\s*(?:async\s+)?$/.test(before) && declaresMethod(text, end)
  return !isType && !isKey && !isMethod
}

/** Whether a parameter list and then a type or a body follow: `fetch(request: Request): Promise<Response>`. */
function declaresMethod(text: string, end: number): boolean {
  const open = text.indexOf('(', end)
  if (open === -1 || text.slice(end, open).trim() !== '') return false
  return /^\s*[:{]/.test(text.slice(closeOf(text, open) + 1))
}

/** Whether the name is declared here: as a constant, a function, a parameter, or in a destructuring pattern. */
function isBinding(text: string, { start, end }: Mention): boolean {
  const before = text.slice(0, start).trimEnd()
  const after = text.slice(end).trimStart()
  if (/\b(?:const|let|var|function)$/.test(before)) return true
  const open = openerOf(text, start)
  if (open === -1) return false
  if (text[open] === '(') return /[(,]$/.test(before) && isParameterList(text, open)
  return (
    text[open] === '{' && /[{,:]$/.test(before) && /^[,}=]/.test(after) && isPattern(text, open)
  )
}

/** Whether braces are a destructuring pattern: after `const`, or as a parameter. */
function isPattern(text: string, open: number): boolean {
  const before = text.slice(0, open).trimEnd()
  const after = text.slice(closeOf(text, open) + 1).trimStart()
  if (/\b(?:const|let|var)$/.test(before)) return true
  if (!/[(,]$/.test(before)) return false
  const list = openerOf(text, open)
  return text[list] === '(' && /^(?::|=|,|\))/.test(after) && isParameterList(text, list)
}

/** Whether a body, an arrow or a result type follows the parentheses, without a keyword before them. */
function isParameterList(text: string, open: number): boolean {
  const after = text.slice(closeOf(text, open) + 1).trimStart()
  const before = text.slice(0, open).trimEnd()
  return /^(?:=>|\{|:)/.test(after) && !/\b(?:if|for|while|switch|catch|with)$/.test(before)
}

/** The opening bracket around an offset, or -1. */
function openerOf(text: string, offset: number): number {
  let depth = 0
  for (let at = offset - 1; at >= 0; at -= 1) {
    const char = text[at] ?? ''
    if (')]}'.includes(char)) depth += 1
    else if ('([{'.includes(char) && depth === 0) return at
    else if ('([{'.includes(char)) depth -= 1
  }
  return -1
}

function closeOf(text: string, open: number): number {
  let depth = 0
  for (let at = open; at < text.length; at += 1) {
    const char = text[at] ?? ''
    if ('([{'.includes(char)) depth += 1
    else if (')]}'.includes(char)) depth -= 1
    if (depth === 0) return at
  }
  return text.length
}

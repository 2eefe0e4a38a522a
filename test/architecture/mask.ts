/**
 * Blanks out comments and the contents of literals in a source file, so that patterns match code only.
 * Offsets and lines stay the same.
 *
 * @module
 */

const token =
  /^#![^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|[\w$]+|\s+|[\s\S]/y
const pattern =
  /\/(?:[^/*\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])*\/[a-z]*/y
const template = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y

// A slash after a name, a number or a closing bracket divides, except after these keywords, where it begins a pattern.
const operand = /[\w$)\]}'"`]$/
const operatorWord = /^(?:return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield)$/

/**
 * Blanks out comments and the contents of strings, templates and regular expressions. Quotes, line ends and all offsets
 * stay the same.
 *
 * @throws Error for a string, a template, a comment or a brace that does not end
 */
export function maskSource(source: string): string {
  let masked = ''
  let last = ''
  // One entry for each open brace: whether it is the `${` of a template.
  const braces: boolean[] = []
  const match = (shape: RegExp): string | undefined => {
    shape.lastIndex = masked.length
    return shape.exec(source)?.[0]
  }
  const takeTemplate = (): void => {
    const text = match(template)
    if (text === undefined) throw unended(source, masked.length)
    const continues = text.endsWith('{')
    masked += blank(text, 0, continues ? 2 : 1)
    if (continues) braces.push(true)
    last = continues ? '{' : '`'
  }
  while (masked.length < source.length) {
    const regExp = operand.test(last) && !operatorWord.test(last) ? undefined : match(pattern)
    const text = regExp ?? match(token) ?? ''
    const opensOnly = /^['"]$/.test(text) || source.startsWith('/*', masked.length)
    if (opensOnly && text.length === 1) throw unended(source, masked.length)
    const isComment = /^(?:#!|\/[/*])/.test(text)
    masked += isComment ? blank(text, 0, 0) : /^(?:['"]|\/.)/.test(text) ? blank(text, 1, 1) : text
    if (isComment || /^\s/.test(text)) continue
    last = regExp === undefined ? text : ')'
    if (text === '{') braces.push(false)
    if (text === '`' || (text === '}' && braces.pop())) takeTemplate()
  }
  if (braces.length > 0) throw unended(source, source.length)
  return masked
}

function unended(source: string, offset: number): Error {
  return new Error(`What begins at line ${lineAt(source, offset)} does not end.`)
}

function blank(text: string, head: number, tail: number): string {
  const end = text.length - tail
  return text.slice(0, head) + text.slice(head, end).replace(/[^\n]/g, ' ') + text.slice(end)
}

/** Returns the line of an offset, counted from 1. */
export function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split('\n').length
}

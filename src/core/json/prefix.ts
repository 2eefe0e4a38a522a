/**
 * Checks whether a growing text may become JSON (RFC 8259). A model's answer may be JSON and must stay valid when a
 * part of a string in it is replaced.
 *
 * @module
 */

/** Reads a growing text. */
interface JsonPrefix {
  /** Reads the next piece. Returns whether the text so far may be the beginning of JSON and ends inside a string. */
  read(piece: string): boolean
}

type State =
  | 'value'
  | 'first value'
  | 'key'
  | 'first key'
  | 'colon'
  | 'after value'
  | 'string'
  | 'none'

const notable = /["\\]|\p{Cc}/gu

/** The next quote, backslash or control character; the piece's length if there is none. */
function nextInString(piece: string, from: number): number {
  notable.lastIndex = from
  return notable.exec(piece)?.index ?? piece.length
}

/** Creates a reader for one text. Numbers and literals are checked only roughly, because they contain no links. */
export function createJsonPrefix(): JsonPrefix {
  const nesting: ('{' | '[')[] = []
  let state: State = 'value'
  // Whether the current string is a key.
  let isKey = false
  let isEscaped = false

  function inString(character: string): State {
    if (character < ' ') return 'none'
    const wasEscaped = isEscaped
    isEscaped = character === '\\' && !wasEscaped
    if (character !== '"' || wasEscaped) return 'string'
    return isKey ? 'colon' : 'after value'
  }

  function beginString(asKey: boolean): State {
    isKey = asKey
    return 'string'
  }

  function open(bracket: '{' | '['): State {
    nesting.push(bracket)
    return bracket === '{' ? 'first key' : 'first value'
  }

  function close(bracket: '{' | '['): State {
    return nesting.pop() === bracket ? 'after value' : 'none'
  }

  function atValue(character: string): State {
    if (character === '"') return beginString(false)
    if (character === '{' || character === '[') return open(character)
    if (character === ']' && state === 'first value') return close('[')
    // A number or a literal. At the top level no string can follow it.
    return nesting.length > 0 && /[-\da-z]/.test(character) ? 'after value' : 'none'
  }

  function atKey(character: string): State {
    if (character === '"') return beginString(true)
    return character === '}' && state === 'first key' ? close('{') : 'none'
  }

  function afterValue(character: string): State {
    if (character === '}') return close('{')
    if (character === ']') return close('[')
    if (character === ',' && nesting.length > 0) return nesting.at(-1) === '{' ? 'key' : 'value'
    // The rest of a number or a literal.
    return /[-+.\da-zE]/.test(character) ? 'after value' : 'none'
  }

  function next(character: string): State {
    if (state === 'string') return inString(character)
    if (/[ \t\n\r]/.test(character)) return state
    if (state === 'value' || state === 'first value') return atValue(character)
    if (state === 'key' || state === 'first key') return atKey(character)
    if (state === 'colon') return character === ':' ? 'value' : 'none'
    return afterValue(character)
  }

  return {
    read(piece) {
      for (let at = 0; at < piece.length && state !== 'none'; at += 1) {
        if (state === 'string' && !isEscaped) at = nextInString(piece, at)
        if (at < piece.length) state = next(piece.charAt(at))
      }
      return state === 'string'
    },
  }
}

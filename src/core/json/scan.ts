/**
 * A strict JSON scanner: RFC 8259 in UTF-8 and nothing else.
 *
 * It builds no values. It reports tokens to a visitor and pauses at intervals, so a large body needs no memory beyond
 * its bytes and does not block the event loop. No library does this: `JSON.parse` hides duplicate keys and cannot
 * pause; lossless-json and \@streamparser/json build every value.
 *
 * @module
 */

import { CfileError } from '../errors.ts'

/** Called for each token in order. Offsets are in bytes; the offsets of a string include its quotes. */
export interface JsonVisitor {
  /** A member's key. The next token begins its value. */
  key(start: number, end: number): void
  /** A string, a number or a literal. */
  scalar(start: number, end: number): void
  open(start: number, isList: boolean): void
  /** The end of the innermost object or list. */
  close(end: number): void
}

/** Maximum nesting depth of objects and lists. */
export const deepest = 1000

// About 10 ms of the densest JSON on a slow core.
const usualPace = 256 * 1024

/**
 * Scans a JSON text. Yields at points where other work may run.
 *
 * @param bytes a whole JSON text
 * @param visitor is called before the rest was checked: use what it saw only when the scan has ended
 * @param pace bytes between two pauses
 * @throws CfileError `invalid_request` for anything but exactly one JSON value in UTF-8
 */
export function* scanJson(
  bytes: Uint8Array,
  visitor: JsonVisitor,
  pace: number = usualPace,
): Generator<undefined, void> {
  const scan = createScan(bytes, visitor)
  for (let until = pace; until < bytes.length; until += pace) {
    scan.readTo(until)
    yield
  }
  scan.readTo(bytes.length)
  scan.end()
  if (!scan.isAscii()) yield* checkUtf8(bytes, pace)
}

function* checkUtf8(bytes: Uint8Array, pace: number): Generator<undefined, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for (let at = 0; at < bytes.length; at += pace) {
      decoder.decode(bytes.subarray(at, at + pace), { stream: true })
      if (at > 0) yield
    }
    decoder.decode()
  } catch {
    throw new CfileError('invalid_request', 'The body is not UTF-8.', {
      hint: 'Send JSON in UTF-8, without a byte order mark.',
    })
  }
}

const quote = 34
const comma = 44
const minus = 45
const dot = 46
const colon = 58
const openBracket = 91
const backslash = 92
const closeBracket = 93
const openBrace = 123
const closeBrace = 125

// The kinds of tokens that may come next.
const value = 0
const valueOrEnd = 1
const key = 2
const keyOrEnd = 3
const afterKey = 4
const afterValue = 5

interface Scan {
  /** Scans the tokens that begin before an offset. */
  readTo(until: number): void
  /** Checks that the value is complete. */
  end(): void
  /** Whether all bytes so far are ASCII. Other bytes occur only in strings. */
  isAscii(): boolean
}

function createScan(bytes: Uint8Array, visitor: JsonVisitor): Scan {
  const isList = new Uint8Array(deepest + 1)
  let depth = 0
  let at = 0
  let next = value
  // Start of the current string, or -1.
  let stringStart = -1
  // Bitwise OR of all bytes in strings.
  let stringBits = 0

  function open(code: number): void {
    if (depth === deepest) throw unreadable(at, `it is nested more than ${deepest} levels deep`)
    depth += 1
    isList[depth] = code === openBracket ? 1 : 0
    visitor.open(at, code === openBracket)
    at += 1
    next = code === openBracket ? valueOrEnd : keyOrEnd
  }

  function close(code: number): void {
    const isEnd = next === afterValue || next === (code === closeBracket ? valueOrEnd : keyOrEnd)
    if (depth === 0 || !isEnd || (isList[depth] === 1) !== (code === closeBracket)) {
      throw unreadable(at, 'this closing bracket has no opening one')
    }
    depth -= 1
    at += 1
    next = afterValue
    visitor.close(at)
  }

  function readString(until: number): void {
    while (at < until) {
      const code = bytes[at] ?? 0
      if (code === quote) {
        endString()
        return
      }
      if (code < 32) throw unreadable(at, 'a control character in a string is not escaped')
      stringBits |= code
      at = code === backslash ? escapeEnd(bytes, at) : at + 1
    }
  }

  function endString(): void {
    at += 1
    if (next === key || next === keyOrEnd) {
      visitor.key(stringStart, at)
      next = afterKey
    } else {
      visitor.scalar(stringStart, at)
      next = afterValue
    }
    stringStart = -1
  }

  function readOther(code: number): void {
    if (next !== value && next !== valueOrEnd) throw unreadable(at, expected(next))
    if (code === openBrace || code === openBracket) {
      open(code)
      return
    }
    const end = isDigit(code) || code === minus ? numberEnd(bytes, at) : literalEnd(bytes, at)
    visitor.scalar(at, end)
    at = end
    next = afterValue
  }

  function readToken(code: number): void {
    if (code === quote) {
      if (next > keyOrEnd) throw unreadable(at, expected(next))
      stringStart = at
      at += 1
    } else if (code === closeBrace || code === closeBracket) {
      close(code)
    } else if (code === colon && next === afterKey) {
      at += 1
      next = value
    } else if (code === comma && next === afterValue && depth > 0) {
      at += 1
      next = isList[depth] === 1 ? value : key
    } else {
      readOther(code)
    }
  }

  return {
    readTo(until) {
      while (at < until) {
        if (stringStart !== -1) {
          readString(until)
          continue
        }
        const code = bytes[at] ?? 0
        if (code === 32 || code === 10 || code === 13 || code === 9) at += 1
        else readToken(code)
      }
    },
    end() {
      const isComplete = next === afterValue && depth === 0 && stringStart === -1
      if (!isComplete) throw unreadable(at, 'it ends too early')
    },
    isAscii: () => stringBits < 128,
  }
}

// "\/bfnrt
const simpleEscapes = new Set([quote, 47, backslash, 98, 102, 110, 114, 116])

function escapeEnd(bytes: Uint8Array, at: number): number {
  const code = bytes[at + 1] ?? 0
  if (simpleEscapes.has(code)) return at + 2
  let digits = 0
  if (code === 117) while (digits < 4 && isHexDigit(bytes[at + 2 + digits] ?? 0)) digits += 1
  if (digits < 4) throw unreadable(at, 'JSON has no such escape')
  return at + 6
}

function numberEnd(bytes: Uint8Array, start: number): number {
  const first = bytes[start] === minus ? start + 1 : start
  let at = digitsEnd(bytes, first)
  if (bytes[first] === 48 && at > first + 1) throw unreadable(start, 'a number begins with 0')
  if (bytes[at] === dot) at = digitsEnd(bytes, at + 1)
  const code = bytes[at] ?? 0
  if (code === 69 || code === 101) {
    const sign = bytes[at + 1] ?? 0
    at = digitsEnd(bytes, at + (sign === 43 || sign === minus ? 2 : 1))
  }
  return at
}

function digitsEnd(bytes: Uint8Array, start: number): number {
  let at = start
  while (isDigit(bytes[at] ?? 0)) at += 1
  if (at === start) throw unreadable(at, 'a number lacks a digit')
  return at
}

const literals = ['true', 'false', 'null'].map((text) => new TextEncoder().encode(text))

function literalEnd(bytes: Uint8Array, start: number): number {
  for (const literal of literals) {
    if (literal.every((code, index) => bytes[start + index] === code)) return start + literal.length
  }
  throw unreadable(start, expected(value))
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function isHexDigit(code: number): boolean {
  return isDigit(code) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102)
}

function expected(next: number): string {
  if (next === afterValue) return 'a comma, a closing bracket or the end belongs here'
  if (next === afterKey) return 'a colon belongs here'
  return next === key || next === keyOrEnd ? 'a key belongs here' : 'a value belongs here'
}

function unreadable(at: number, why: string): CfileError {
  return new CfileError('invalid_request', `The body is not JSON: at byte ${at}, ${why}.`, {
    hint: 'Send one JSON value as in RFC 8259, in UTF-8 without a byte order mark.',
  })
}

/**
 * The name of a download: read from hostile headers, written for every client (RFC 6266, RFC 8187).
 *
 * @module
 */

import { percentEncode } from './encoding.ts'

// Separators, controls, and the direction marks that make `gpj.exe` read as `exe.jpg`.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const unsafe = /[/\\\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/**
 * A name that is safe to hand to any file system's dialogue: separators, control and direction characters become one
 * `_` each, and so do the dots of a name that is `.` or `..`; half a surrogate pair becomes U+FFFD, since no header can
 * hold it; nothing else changes, and an empty name stays empty.
 */
export function cleanFilename(name: string): string {
  if (name === '.' || name === '..') return '_'.repeat(name.length)
  return name.toWellFormed().replace(unsafe, '_')
}

// An id is 20 letters and digits or more, among them a digit or a capital: what is shorter (`file-report.csv`) or a word
// (`file-internationalization-notes.csv`) is part of the name. Those recorded have 22 or 24, or 32 hex digits.
const storedPrefix =
  /^(?:[0-9a-f]{32}|(?:file|assistant)-(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{20,})-(?=.)/s

/**
 * Without what the service puts before the name of an input: `<32 hex>-` where it was uploaded into the container, the
 * id of the uploaded file and `-` where it was mounted.
 */
export function stripStoredPrefix(name: string): string {
  return name.replace(storedPrefix, '')
}

/**
 * Writes a Content-Disposition: an ASCII `filename`, its ending kept, for clients that know no better, and the name
 * itself in UTF-8 as `filename*`, which RFC 6266 §4.3 has the others prefer. The name is cleaned first
 * ({@link cleanFilename}); an empty one is left out, for the client to choose.
 *
 * @example
 * contentDisposition('Übersicht.csv') // attachment; filename="_bersicht.csv"; filename*=UTF-8''%C3%9Cbersicht.csv
 */
export function contentDisposition(
  filename: string,
  type: 'attachment' | 'inline' = 'attachment',
): string {
  const name = cleanFilename(filename)
  if (name === '') return type
  // A quote would have to be escaped, which not every client undoes; and some decode a `%` that they should not.
  const ascii = name.replace(/[^\x20-\x7e]|["%]/gu, '_')
  return `${type}; filename="${ascii}"; filename*=UTF-8''${encodeExtended(name)}`
}

/** RFC 8187 §3.2.1: `attr-char` stands for itself, all else is percent-encoded. */
function encodeExtended(name: string): string {
  return percentEncode(name, /['()*]/g)
}

/** The parts of a Content-Disposition, none of them cleaned; absent where the header does not have it, or not rightly. */
export interface ParsedDisposition {
  /** Lower case. */
  readonly type?: string
  /** The plain `filename`, which may be a placeholder, as in the recorded `filename="file.txt"`. */
  readonly plain?: string
  /** The name in `filename*`. */
  readonly extended?: string
  /** The better of the two: `extended` where there is one. */
  readonly filename?: string
}

/** Reads a Content-Disposition; what can't be read is left out, and nothing throws. */
export function parseContentDisposition(header: string | null): ParsedDisposition {
  if (header === null) return {}
  const type = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)/.exec(header)?.[1]?.toLowerCase()
  const parameters = readParameters(header)
  const plain = parameters.get('filename') || undefined
  const extended = decodeExtended(parameters.get('filename*'))
  return { type, plain, extended, filename: extended ?? plain }
}

const parameter = /;\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/gs

function readParameters(header: string): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const [, name = '', quoted, token] of header.matchAll(parameter)) {
    const value = quoted?.replace(/\\(.)/gs, '$1') ?? token ?? ''
    // The first counts, as in browsers.
    if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value)
  }
  return parameters
}

/** RFC 8187 §3.2: UTF-8 must be known, ISO-8859-1 was in RFC 5987. */
function decodeExtended(value = ''): string | undefined {
  const [, charset = '', encoded = ''] = /^([^']*)'[^']*'(.+)$/s.exec(value) ?? []
  if (/%(?![0-9a-f]{2})/i.test(encoded)) return undefined
  if (/^iso-8859-1$/i.test(charset)) return decodeLatin1(encoded) || undefined
  return /^utf-?8$/i.test(charset) ? decodeUtf8(encoded) || undefined : undefined
}

function decodeUtf8(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded)
  } catch {
    // The bytes are no UTF-8: as good as no name.
    return undefined
  }
}

function decodeLatin1(encoded: string): string {
  return encoded.replace(/%(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/**
 * Reads and writes the name of a download (RFC 6266, RFC 8187). Input may be hostile.
 *
 * @module
 */

import { percentEncode } from '../encoding.ts'

// Separators, control characters, and direction marks, which make `gpj.exe` look like `exe.jpg`.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches them.
const unsafe = /[/\\\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/**
 * Makes a file name safe for every file system. Separators, control characters and direction marks become `_`, and so
 * do the dots of the names `.` and `..`. Lone surrogates become U+FFFD, because headers cannot contain them. An empty
 * name stays empty.
 *
 * @param name of any origin: a model, a client or the upstream
 */
export function cleanFilename(name: string): string {
  if (name === '.' || name === '..') return '_'.repeat(name.length)
  return name.toWellFormed().replace(unsafe, '_')
}

// An id has at least 20 letters and digits, with a digit or a capital among them. Shorter text (`file-report.csv`) and
// words (`file-internationalization-notes.csv`) are part of the name. Recorded ids have 22 or 24 characters, or 32 hex
// digits.
const storedPrefix =
  /^(?:[0-9a-f]{32}|(?:file|assistant)-(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{20,})-(?=.)/s

/**
 * Removes the prefix that the service puts before the name of an input: `<32 hex>-` for an upload into the container,
 * the file's id and `-` for a mounted file.
 *
 * @param name last part of a path in a container's file list
 */
export function stripStoredPrefix(name: string): string {
  return name.replace(storedPrefix, '')
}

/**
 * Writes a Content-Disposition with a cleaned name ({@link cleanFilename}): an ASCII `filename` with the same extension
 * for old clients, and the exact name as `filename*`, which RFC 6266 §4.3 prefers. An empty name is left out.
 *
 * @param filename any text; unsafe characters are replaced
 * @param type `inline` only for types that {@link isInlineType} allows
 *
 * @example
 * contentDisposition('Übersicht.csv') // attachment; filename="_bersicht.csv";
 *   filename*=UTF-8''%C3%9Cbersicht.csv
 */
export function contentDisposition(
  filename: string,
  type: 'attachment' | 'inline' = 'attachment',
): string {
  const name = cleanFilename(filename)
  if (name === '') return type
  // Not all clients undo an escaped quote, and some decode `%` in a plain name.
  const ascii = name.replace(/[^\x20-\x7e]|["%]/gu, '_')
  return `${type}; filename="${ascii}"; filename*=UTF-8''${encodeExtended(name)}`
}

/** RFC 8187 §3.2.1: `attr-char` stays as it is, everything else is percent-encoded. */
function encodeExtended(name: string): string {
  return percentEncode(name, /['()*]/g)
}

/** The parts of a Content-Disposition, not cleaned. A part that is missing or malformed is absent. */
interface ParsedDisposition {
  /** In lower case. */
  readonly type?: string
  /** The plain `filename`. It may be a placeholder such as Azure's `filename="file.txt"`. */
  readonly plain?: string
  /** The name in `filename*`. */
  readonly extended?: string
  /** `extended` if present, else `plain`. */
  readonly filename?: string
}

/**
 * Parses a Content-Disposition. Leaves out malformed parts; never throws.
 *
 * @param header value of the upstream's `Content-Disposition`
 */
export function parseContentDisposition(header: string | null): ParsedDisposition {
  if (header === null) return {}
  const type = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)/.exec(header)?.[1]?.toLowerCase()
  const parameters = readParameters(header)
  const plain = parameters.get('filename') || undefined
  const extended = decodeExtended(parameters.get('filename*'))
  return { type, plain, extended, filename: extended ?? plain }
}

const parameter = /;\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/gs

/** The parameters of a header by their lower-case names. */
function readParameters(header: string): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const [, name = '', quoted, token] of header.matchAll(parameter)) {
    const value = quoted?.replace(/\\(.)/gs, '$1') ?? token ?? ''
    // The first of equal parameters counts, as in browsers.
    if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value)
  }
  return parameters
}

/** RFC 8187 §3.2 requires UTF-8; RFC 5987 also allowed ISO-8859-1. */
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
    // A name that is not UTF-8 is ignored.
    return undefined
  }
}

function decodeLatin1(encoded: string): string {
  return encoded.replace(/%(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
}

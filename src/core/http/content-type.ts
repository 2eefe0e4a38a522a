/**
 * Media types: the type of a download, whether a browser may show it, the types of API answers, and the types that a
 * client prefers (`Accept`).
 *
 * @module
 */

const utf8 = '; charset=utf-8'

// Types of the files that code interpreter writes.
const types: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
  bmp: 'image/bmp',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  svg: 'image/svg+xml',
  pdf: 'application/pdf',
  txt: `text/plain${utf8}`,
  log: `text/plain${utf8}`,
  csv: `text/csv${utf8}`,
  tsv: `text/tab-separated-values${utf8}`,
  md: `text/markdown${utf8}`,
  html: `text/html${utf8}`,
  htm: `text/html${utf8}`,
  css: `text/css${utf8}`,
  js: `text/javascript${utf8}`,
  py: `text/x-python${utf8}`,
  xml: 'application/xml',
  json: 'application/json',
  jsonl: 'application/jsonl',
  geojson: 'application/geo+json',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  ipynb: 'application/x-ipynb+json',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  ppt: 'application/vnd.ms-powerpoint',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  odt: 'application/vnd.oasis.opendocument.text',
  ods: 'application/vnd.oasis.opendocument.spreadsheet',
  rtf: 'application/rtf',
  tex: 'application/x-tex',
  parquet: 'application/vnd.apache.parquet',
  sqlite: 'application/vnd.sqlite3',
  zip: 'application/zip',
  gz: 'application/gzip',
  tar: 'application/x-tar',
  mp3: 'audio/mpeg',
  wav: 'audio/wav',
  mp4: 'video/mp4',
  webm: 'video/webm',
}

const unknown = 'application/octet-stream'

/**
 * The type of a file extension, or `application/octet-stream`.
 *
 * @param filename with or without a path; the part after its last dot counts, in any case
 */
export function contentTypeOf(filename: string): string {
  const ending = /\.([^.]+)$/.exec(filename)?.[1]?.toLowerCase() ?? ''
  return Object.hasOwn(types, ending) ? (types[ending] ?? unknown) : unknown
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const quoted = '"(?:[\\t\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\[\\t\\x20-\\x7e])*"'
// A semicolon without a parameter is allowed. No text matches in two ways, so matching takes linear time.
const mediaType = new RegExp(
  `^[ \\t]*(${token}/${token}(?:[ \\t]*;(?:[ \\t]*${token}=(?:${token}|${quoted}))?)*)[ \\t]*$`,
)

const genericTypes = new Set([unknown, 'application/binary', 'binary/octet-stream'])

/**
 * Chooses the type of a download: the upstream's type if it is exactly one media type (RFC 9110 §8.3.1) and not
 * generic, else the type of the name's extension, else `application/octet-stream`.
 *
 * @param upstream value of the upstream's `Content-Type`
 * @param filename name with its extension
 */
export function chooseContentType(upstream: string | null, filename: string): string {
  const type = mediaType.exec(upstream ?? '')?.[1]
  return type === undefined || genericTypes.has(essence(type)) ? contentTypeOf(filename) : type
}

const inlineTypes = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'text/plain',
  'text/csv',
  'application/json',
  'application/pdf',
])

/**
 * Whether a browser may show the type in place. Only types that cannot run code.
 *
 * @param type media type, with or without parameters
 */
export function isInlineType(type: string): boolean {
  return inlineTypes.has(essence(type))
}

/**
 * The type for showing a file inline. Browsers download `text/csv` even inline, so CSV is sent as plain text, with its
 * charset or UTF-8.
 *
 * @param type media type for which {@link isInlineType} is true
 */
export function inlineContentType(type: string): string {
  if (essence(type) !== 'text/csv') return type
  const [, charset = 'utf-8'] = /;[ \t]*charset="?([\w.:+-]+)/i.exec(type) ?? []
  return `text/plain; charset=${charset}`
}

/**
 * The Content-Security-Policy of a download: nothing may load or run. Inline files allow the styles and pictures of the
 * browser's own viewer. PDF viewers do not work in a sandbox.
 *
 * @param type media type of the file
 * @param inline whether the browser shows the file in place
 */
export function contentSecurityPolicy(type: string, inline: boolean): string {
  if (!inline) return "default-src 'none'; sandbox"
  if (essence(type) === 'application/pdf') {
    return "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'"
  }
  return "default-src 'none'; sandbox; style-src 'unsafe-inline'; img-src 'self' data:"
}

/** Type and subtype in lower case, without parameters (RFC 9110 §8.3.1). */
function essence(type: string): string {
  return (type.split(';')[0] ?? '').trim().toLowerCase()
}

/** Whether headers announce JSON. */
export function isJsonType(headers: Headers): boolean {
  return /^application\/json\b/i.test(headers.get('content-type') ?? '')
}

/** Whether headers announce a stream of server-sent events. */
export function isEventStreamType(headers: Headers): boolean {
  return /^text\/event-stream\b/i.test(headers.get('content-type') ?? '')
}

/**
 * Whether a client prefers HTML to JSON, as a browser does when it opens a page. Under the wildcard of curl and fetch
 * both are equal.
 *
 * @param accept value of the header
 */
export function prefersHtml(accept = ''): boolean {
  const ranges = parseRanges(accept)
  return qualityOf(ranges, 'text/html') > qualityOf(ranges, 'application/json')
}

/** Media ranges with their weights from 0 to 1. */
type Ranges = ReadonlyMap<string, number>

/** Parses `Accept` (RFC 9110 §12.5.1). A malformed weight counts as 0. */
function parseRanges(accept: string): Ranges {
  return new Map(
    accept.split(',').map((range): [string, number] => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
      return [type, weight === undefined ? 1 : Number(weight) || 0]
    }),
  )
}

/** The weight of a type, by the most specific range that matches. */
function qualityOf(ranges: Ranges, type: string): number {
  const [main] = type.split('/')
  return ranges.get(type) ?? ranges.get(`${main}/*`) ?? ranges.get('*/*') ?? 0
}

/**
 * Preconditions and ranges of a download (RFC 9110 §13 and §14). The only validator is an entity tag. cfile never sends
 * Last-Modified, so conditions with dates match nothing.
 *
 * @module
 */

/** First and last byte, from 0, both included. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * Parses a Range header. Returns the range, limited to the file; `none` to answer with the whole file, as for several
 * ranges, other units and malformed headers; `unsatisfiable` if no byte of the file is in the range.
 *
 * @param header value of `Range`
 * @param size file size in bytes
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function parseRange(
  header: string | null | undefined,
  size: number,
): ByteRange | 'none' | 'unsatisfiable' {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(header?.trim() ?? '') ?? []
  if (first === undefined || last === undefined) return 'none'
  if (first === '') return parseSuffix(last, size)
  const start = Number(first)
  if (last !== '' && Number(last) < start) return 'none'
  if (start >= size) return 'unsatisfiable'
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) }
}

/** Parses the last bytes of a file, as in `bytes=-500`. */
function parseSuffix(length: string, size: number): ByteRange | 'none' | 'unsatisfiable' {
  if (length === '') return 'none'
  if (Number(length) === 0) return 'unsatisfiable'
  // A suffix of an empty file is satisfiable (§14.1.2), but Content-Range cannot express it.
  if (size === 0) return 'none'
  return { start: Math.max(0, size - Number(length)), end: size - 1 }
}

/** The validator and size of a file. */
interface Representation {
  /** A strong entity tag with its quotes. */
  readonly etag?: string
  /** In bytes. If unknown, ranges are not served. */
  readonly size?: number
}

/** How to answer a GET or HEAD. */
export type Evaluation =
  | { readonly status: 200 | 304 | 412 | 416; readonly range?: undefined }
  | { readonly status: 206; readonly range: ByteRange }

/**
 * Evaluates the conditional headers of a GET or HEAD in the order of RFC 9110 §13.2.2.
 *
 * @param headers of the request
 * @param representation the file as this gateway would send it now
 */
export function evaluateConditions(headers: Headers, { etag, size }: Representation): Evaluation {
  const ifMatch = headers.get('if-match')
  if (ifMatch !== null && !matches(ifMatch, etag, 'strong')) return { status: 412 }
  const ifNoneMatch = headers.get('if-none-match')
  if (ifNoneMatch !== null && matches(ifNoneMatch, etag, 'weak')) return { status: 304 }
  if (size === undefined || !matchesIfRange(headers.get('if-range'), etag)) return { status: 200 }
  const range = parseRange(headers.get('range'), size)
  if (range === 'none') return { status: 200 }
  return range === 'unsatisfiable' ? { status: 416 } : { status: 206, range }
}

/** If-Range (§13.1.5): a range counts only if the client's part is of the same file. */
function matchesIfRange(ifRange: string | null, etag: string | undefined): boolean {
  return ifRange === null || (etag !== undefined && ifRange.trim() === etag)
}

/** Whether a list of entity tags, or `*`, contains a tag. cfile's own tags are always strong. */
function matches(list: string, etag: string | undefined, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true
  return entityTags(list).some(
    (tag) => tag === etag || (comparison === 'weak' && tag === `W/${etag}`),
  )
}

/** The tags in a list (§8.8.3). Commas may occur inside quotes. Reading stops at the first malformed tag. */
function entityTags(list: string): string[] {
  const tag = /[\t ,]*((?:W\/)?"[\x21\x23-\x7e\u0080-\uffff]*")[\t ]*(?=,|$)/y
  const tags: string[] = []
  for (let found = tag.exec(list); found !== null; found = tag.exec(list)) tags.push(found[1] ?? '')
  return tags
}

/**
 * The Content-Range of a 206, or without a range that of a 416.
 *
 * @param range that is sent; `undefined` if it was not satisfiable
 * @param size bytes of the whole file
 */
export function contentRange(range: ByteRange | undefined, size: number): string {
  return `bytes ${range === undefined ? '*' : `${range.start}-${range.end}`}/${size}`
}

/** The part of a file that an answer contains. */
export interface FilePart {
  readonly range: ByteRange
  /** Bytes of the whole file, if known. */
  readonly size?: number
}

/**
 * Parses the Content-Range of a 206; `undefined` for malformed headers.
 *
 * @param header value of `Content-Range`
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.4
 */
export function parseContentRange(header: string | null): FilePart | undefined {
  const [, start, end, size] =
    /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(header ?? '') ?? []
  if (start === undefined) return undefined
  const range = { start: Number(start), end: Number(end) }
  return { range, size: size === '*' ? undefined : Number(size) }
}

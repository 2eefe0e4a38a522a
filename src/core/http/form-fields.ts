/**
 * A strict reader of streamed forms (multipart/form-data, RFC 7578 and RFC 2046).
 *
 * It refuses all forms that two parsers could read differently: a line end other than CRLF, a part with two
 * dispositions or with escapes that move the end of a name, the delimiter's text outside a delimiter, anything before
 * the first or after the last delimiter. busboy and \@remix-run/multipart-parser accept most of that. busboy also needs
 * Node's streams, and the other holds each part whole. Headers are read in the one spelling that all parsers read the same
 * way.
 *
 * @module
 */

import { CfileError } from '../errors.ts'
import { createByteSearch, hasBytes } from '../search.ts'
import { concatBytes } from './body.ts'

/** Chooses and receives the parts of a form that the gateway reads. */
export interface FormHandler {
  /** The maximum size of a part's value in bytes; 0 to pass it unread. May throw to refuse the part. */
  maxBytes(part: FormPart): number
  /** Receives the value of a part. The form continues when the promise resolves. */
  receive(part: FormPart, value: Uint8Array): Promise<void>
}

const longestHead = 16 * 1024

/**
 * Passes a form through unchanged. No byte passes before everything up to it was read.
 *
 * @param boundary boundary in the form's media type, without leading dashes
 * @param handler chooses the parts to read and receives their values
 * @throws (in the stream) CfileError `invalid_request` for an ambiguous form, and errors of `handler`
 */
export function watchForm(
  boundary: string,
  handler: FormHandler,
): TransformStream<Uint8Array, Uint8Array> {
  const reader = createFormReader(boundary, handler)
  return new TransformStream({
    async transform(chunk, controller) {
      await reader.push(chunk)
      controller.enqueue(chunk)
    },
    flush: () => reader.end(),
  })
}

interface FormReader {
  push(chunk: Uint8Array): Promise<void>
  end(): void
}

const crlf = new Uint8Array([13, 10])
const dashes = new Uint8Array([45, 45])

/** Reads a form as its bytes come. Each step consumes bytes or waits for more. */
function createFormReader(boundary: string, handler: FormHandler): FormReader {
  const delimiter = new TextEncoder().encode(`--${boundary}`)
  const find = createByteSearch(`--${boundary}`)
  const findBlankLine = createByteSearch('\r\n\r\n')
  let pending: Uint8Array = new Uint8Array()
  let read: () => boolean | Promise<boolean> = readStart
  let value: ValueReader = noValue

  /** Consumes bytes. Returns true: reading can continue. */
  function skip(bytes: number, next: typeof read): true {
    pending = pending.subarray(bytes)
    read = next
    return true
  }

  function readStart(): boolean {
    const { length } = delimiter
    if (pending.length < length + 2) return false
    if (!hasBytes(pending, 0, delimiter)) throw refuseForm('it does not begin with its boundary')
    return skip(length, readDelimiterEnd)
  }

  function readDelimiterEnd(): boolean {
    if (pending.length < 2) return false
    if (hasBytes(pending, 0, dashes)) return skip(2, readRest)
    if (hasBytes(pending, 0, crlf)) return skip(2, readHead)
    throw refuseForm('a line begins with its boundary and continues')
  }

  function readHead(): boolean {
    const end = findBlankLine(pending)
    if ((end === -1 ? pending.length : end) > longestHead) {
      throw refuseForm(`the headers of a part are longer than ${longestHead} bytes`)
    }
    if (end === -1) return false
    const head = pending.subarray(0, end)
    if (find(head) !== -1) throw refuseForm('its boundary occurs in the headers of a part')
    value = createValueReader(handler, parsePartHead(head))
    return skip(end + 4, readValue)
  }

  async function readValue(): Promise<boolean> {
    const at = find(pending)
    // The line end before a delimiter belongs to the delimiter.
    const end = at === -1 ? pending.length - delimiter.length - 1 : at - 2
    if (at !== -1 && (end < 0 || !hasBytes(pending, end, crlf))) {
      throw refuseForm('its boundary occurs inside a line')
    }
    if (end > 0) value.push(pending.subarray(0, end))
    if (at === -1) {
      pending = pending.subarray(Math.max(end, 0))
      return false
    }
    await value.end()
    return skip(at + delimiter.length, readDelimiterEnd)
  }

  function readRest(): boolean {
    if (pending.length > 2 || !hasBytes(crlf, 0, pending)) {
      throw refuseForm('something follows its last boundary')
    }
    return false
  }

  return {
    async push(chunk) {
      pending = pending.length === 0 ? chunk : concatBytes([pending, chunk])
      while (await read()) {
        // Runs until it needs more bytes.
      }
    },
    end() {
      if (read !== readRest || pending.length === 1) throw refuseForm('it ends too early')
    },
  }
}

interface ValueReader {
  push(bytes: Uint8Array): void
  end(): Promise<void>
}

const noValue: ValueReader = { push() {}, async end() {} }

/** Collects the value of a part up to the limit of the handler. */
function createValueReader(handler: FormHandler, part: FormPart): ValueReader {
  const most = handler.maxBytes(part)
  const chunks: Uint8Array[] = []
  let length = 0
  return {
    push(bytes) {
      length += bytes.length
      if (most === 0) return
      if (length > most) throw refuseForm(`the field "${part.name}" is longer than ${most} bytes`)
      chunks.push(bytes)
    },
    async end() {
      if (part.length !== undefined && part.length !== length) {
        throw refuseForm('a part does not have the length in its Content-Length')
      }
      if (most > 0) await handler.receive(part, concatBytes(chunks))
    },
  }
}

/** A part of a form, from its headers. */
export interface FormPart {
  readonly name: string
  /** Whether it has a file name. */
  readonly isFile: boolean
  /** Its `Content-Type`; empty if absent. */
  readonly type: string
  /** Its `Content-Length`, in bytes. */
  readonly length?: number
}

// RFC 9110 tokens, and the characters of RFC 2046 boundaries except the blank.
const parameter = /^; *([!#$&'*+.^_`|~\w-]+)=(?:"([^"\\]*)"|([!#$&'*+.^_`|~\w-]+))/
const boundaryGrammar = /^[\w'()+,./:=?-]{1,70}$/

/**
 * Reads the boundary in a form's media type.
 *
 * @param contentType value of the request's `Content-Type`
 * @throws CfileError `invalid_request` unless there is exactly one well-formed boundary
 */
export function parseFormBoundary(contentType: string): string {
  const [start = ''] = /^multipart\/form-data */i.exec(contentType) ?? []
  let rest = contentType.slice(start.length)
  const boundaries: string[] = []
  while (start !== '' && rest !== '') {
    const [whole, name, quoted, plain] = parameter.exec(rest) ?? []
    // `boundary*` and `boundary*0` are boundaries in the spelling of RFC 2231.
    if (whole === undefined || name === undefined || /^(?:boundary|charset)./i.test(name)) break
    const text = quoted ?? plain ?? ''
    if (/^charset$/i.test(name) && !/^utf-8$/i.test(text)) break
    if (/^boundary$/i.test(name)) boundaries.push(text)
    rest = rest.slice(whole.length).trimStart()
  }
  const [boundary = '', ...others] = boundaries
  if (start === '' || rest !== '' || others.length > 0 || !boundaryGrammar.test(boundary)) {
    throw refuseForm('its content type is not multipart/form-data in UTF-8 with one boundary')
  }
  return boundary
}

// A parser that searches the headers for text might find a name in any other header.
const known = new Set(
  'content-disposition content-type content-length content-transfer-encoding'.split(' '),
)

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Parses the headers of a part.
 *
 * @param bytes without the blank line at the end
 * @throws CfileError `invalid_request`
 */
function parsePartHead(bytes: Uint8Array): FormPart {
  const fields = new Map<string, string>()
  for (const line of decodeHead(bytes).split('\r\n')) {
    const [, name = '', value = ''] = /^([!#$%&'*+.^_`|~\w-]+): *(\P{Cc}*)$/u.exec(line) ?? []
    const key = name.toLowerCase()
    if (!known.has(key) || fields.has(key))
      throw refuseForm('a part has an unknown or repeated header')
    fields.set(key, value)
  }
  if (!/^(?:7bit|8bit|binary)?$/i.test(fields.get('content-transfer-encoding') ?? '')) {
    throw refuseForm('a part has a transfer encoding')
  }
  const length = fields.get('content-length')
  const type = fields.get('content-type') ?? ''
  const disposition = parseDisposition(fields.get('content-disposition') ?? '')
  checkType(type, disposition)
  return {
    ...disposition,
    type,
    length: length === undefined ? undefined : Number(length),
  }
}

// Ids have the same bytes in all of these. Java's default is ISO-8859-1.
const fieldType = /^[\w.+-]+\/[\w.+-]+ *(?:; *charset=("?)(?:utf-8|us-ascii|iso-8859-1)\1 *)?$/i

/** Refuses a form inside a part, and a field whose bytes have other meanings in other encodings. */
function checkType(type: string, { name, isFile }: Pick<FormPart, 'name' | 'isFile'>): void {
  if (/^multipart\b/i.test(type)) throw refuseForm('a part is a form itself')
  if (isFile || (name !== '_charset_' && (type === '' || fieldType.test(type)))) return
  throw refuseForm('a field is not in UTF-8')
}

function decodeHead(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw refuseForm('a part has headers that are not UTF-8')
  }
}

// A quoted text ends at the first quote for all parsers, except for a file name with escaped quotes, as Go writes it.
// Parsers that know no escapes end it too early, so nothing may follow that they could take for a parameter. Old clients
// write single backslashes in Windows paths; .NET writes no quotes around a token.
const dispositionParameter =
  /^; *(?:(name)=(?:"([^"\\]*)"|(\w+))|(filename)=(?:"(?:[^"\\]|\\[^"])*"|"(?:[^"\\;=]|\\[^;=])*"$|[\w!#$&+.^`|~'%-]+)|(filename\*)=[\w!#$&+.^`|~'%-]+)/

/**
 * Reads the name of a part, and whether it is a file (RFC 7578 §4.2).
 *
 * @throws CfileError `invalid_request` for a disposition that can be read in two ways
 */
function parseDisposition(value: string): Pick<FormPart, 'name' | 'isFile'> {
  const [start] = /^form-data */i.exec(value) ?? []
  let rest = value.slice(start?.length ?? 0)
  const seen = new Set<string>()
  let name = ''
  while (start !== undefined && rest !== '') {
    const [whole, isName, quoted, token, isFilename, isExtended] =
      dispositionParameter.exec(rest) ?? []
    const key = isName ?? isFilename ?? isExtended
    if (whole === undefined || key === undefined || seen.has(key)) break
    seen.add(key)
    if (key === 'name') name = quoted ?? token ?? ''
    rest = rest.slice(whole.length).trimStart()
  }
  if (start === undefined || rest !== '' || !seen.has('name')) {
    throw refuseForm('a part has a disposition that can be read in two ways')
  }
  return { name, isFile: seen.has('filename') || seen.has('filename*') }
}

/**
 * The error for a form that could be read in two ways.
 *
 * @param why clause that describes the fault
 */
function refuseForm(why: string): CfileError {
  return new CfileError('invalid_request', `The form can't be read with certainty: ${why}.`, {
    hint: 'Send multipart/form-data as in RFC 7578: lines that end with CRLF, each part with one Content-Disposition: form-data; name="…".',
  })
}

/**
 * Parses the headers of forms and of their parts, in the one spelling that all parsers read the same way.
 *
 * @module
 */

import { CfileError } from '../errors.ts'

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
export function parsePartHead(bytes: Uint8Array): FormPart {
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

// Ids have the same bytes in all of these. Java sends ISO-8859-1 where nobody chose.
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
 * The error for a form.
 *
 * @param why clause that describes the fault
 */
export function refuseForm(why: string): CfileError {
  return new CfileError('invalid_request', `The form can't be read with certainty: ${why}.`, {
    hint: 'Send multipart/form-data as in RFC 7578: lines that end with CRLF, each part with one Content-Disposition: form-data; name="…".',
  })
}

/**
 * The headers that file bytes go out with: all of them ours, since whatever wrote the file is not to be trusted.
 *
 * @module
 */

import {
  cleanFilename,
  contentDisposition,
  stripStoredPrefix,
} from '../../core/http/content-disposition.ts'
import {
  chooseContentType,
  contentSecurityPolicy,
  inlineContentType,
  isInlineType,
} from '../../core/http/content-type.ts'
import { type ByteRange, contentRange } from '../../core/http/range.ts'

/** What the headers tell of a file. */
export interface DeliveredFile {
  readonly fileId: string
  /** As it is shown. */
  readonly filename: string
  readonly bytes?: number
  /** As the upstream sent it; hostile. */
  readonly type?: string
  /** In hex. */
  readonly sha256?: string
  readonly upstreamRequestId?: string
}

/**
 * The name to show: the annotation's as it is, else the stored one without the prefix that the upstream put before it.
 * `undefined` where there is none.
 */
export function displayName(
  cited: string | undefined,
  stored: string | undefined,
): string | undefined {
  const name = cited ?? (stored === undefined ? '' : stripStoredPrefix(stored))
  return name === '' ? undefined : cleanFilename(name)
}

/** A strong validator (RFC 9110 §8.8.3), the same wherever the bytes come from: a container file never changes. */
export function entityTag(fileId: string, bytes: number): string {
  return `"${fileId}.${bytes.toString(36)}"`
}

/** No cache keeps a file, and no proxy compresses it: a compressed body has another length and no ranges. */
export const fileCacheControl = 'private, no-store, no-transform'

/** How a file is handed out. */
export interface DeliveryTerms {
  readonly disposition: 'attachment' | 'inline'
  /** Whether whoever holds the link may have it, on whatever page. */
  readonly isGranted: boolean
}

/**
 * Builds the headers of a delivery, of a part where a range is given; `inline` is granted only to types in which nothing
 * can run.
 */
export function deliveryHeaders(
  file: DeliveredFile,
  { disposition, isGranted }: DeliveryTerms,
  range?: ByteRange,
): Record<string, string> {
  const { filename, type: upstreamType = null, upstreamRequestId } = file
  const type = chooseContentType(upstreamType, filename)
  const inline = disposition === 'inline' && isInlineType(type)
  return {
    'content-type': inline ? inlineContentType(type) : type,
    'content-disposition': contentDisposition(filename, inline ? 'inline' : 'attachment'),
    'x-content-type-options': 'nosniff',
    'content-security-policy': contentSecurityPolicy(type, inline),
    'cross-origin-resource-policy': isGranted ? 'cross-origin' : 'same-origin',
    'referrer-policy': 'no-referrer',
    'cache-control': fileCacheControl,
    ...lengthHeaders(file, range),
    ...(upstreamRequestId === undefined ? {} : { 'apim-request-id': upstreamRequestId }),
  }
}

/** Without a length there is no validator and no range. */
function lengthHeaders(
  { fileId, bytes, sha256 }: DeliveredFile,
  range?: ByteRange,
): Record<string, string> {
  if (bytes === undefined) return { 'accept-ranges': 'none' }
  return {
    'accept-ranges': 'bytes',
    'content-length': String(range === undefined ? bytes : range.end - range.start + 1),
    etag: entityTag(fileId, bytes),
    ...(range === undefined ? {} : { 'content-range': contentRange(range, bytes) }),
    ...(sha256 === undefined ? {} : { 'repr-digest': `sha-256=:${toBase64(sha256)}:` }),
  }
}

function toBase64(hex: string): string {
  return btoa(hex.replace(/../g, (byte) => String.fromCharCode(Number.parseInt(byte, 16))))
}

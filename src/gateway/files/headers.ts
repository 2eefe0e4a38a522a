/**
 * The headers of a file. None is passed on from the upstream, because the code that wrote the file is not trusted.
 *
 * @module
 */

import { fromHex, toBase64 } from '../../core/encoding.ts'
import { contentDisposition } from '../../core/http/content-disposition.ts'
import {
  chooseContentType,
  contentSecurityPolicy,
  inlineContentType,
  isInlineType,
} from '../../core/http/content-type.ts'
import { type ByteRange, contentRange } from '../../core/http/range.ts'
import type { FileFacts } from '../upstreams/opened-file.ts'

/** The facts that the headers need. */
export type DeliveredFile = Pick<
  FileFacts,
  'fileId' | 'filename' | 'bytes' | 'type' | 'sha256' | 'upstreamRequestId'
>

/** A strong validator (RFC 9110 §8.8.3), the same for the upstream and the archive: a container file never changes. */
export function entityTag(fileId: string, bytes: number): string {
  return `"${fileId}.${bytes.toString(36)}"`
}

/** No cache keeps a file, and no proxy compresses it: a compressed body has another length and no ranges. */
export const fileCacheControl = 'private, no-store, no-transform'

/** How a file is delivered. */
export interface DeliveryTerms {
  readonly disposition: 'attachment' | 'inline'
  /** Whether a signed link asks, which may stand on any page. */
  readonly isGranted: boolean
}

/**
 * Makes the headers of a file, or of a part of it. `inline` is honoured only for types in which no code can run.
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
    ...(sha256 === undefined ? {} : { 'repr-digest': `sha-256=:${toBase64(fromHex(sha256))}:` }),
  }
}

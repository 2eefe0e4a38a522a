/**
 * Creates the headers of a file. They contain only the request id of the upstream's headers, because the code that wrote
 * the file is not trusted.
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
type DeliveredFile = Pick<
  FileFacts,
  'fileId' | 'filename' | 'bytes' | 'type' | 'sha256' | 'upstreamRequestId'
>

/**
 * A strong validator (RFC 9110 §8.8.3), the same for the upstream and the archive: a container file never changes.
 *
 * @param bytes length of the whole file
 */
export function entityTag(fileId: string, bytes: number): string {
  return `"${fileId}.${bytes.toString(36)}"`
}

/** Forbids caches to keep a file, and proxies to compress it, since a compressed body has another length and no ranges. */
export const fileCacheControl = 'private, no-store, no-transform'

/** How a file is delivered. */
interface DeliveryTerms {
  readonly disposition: 'attachment' | 'inline'
  /** Whether the request follows a signed link, which any page may embed. */
  readonly isGranted: boolean
}

/**
 * Creates the headers of a file or of a part of it. `inline` counts only for types in which no code can run.
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

/** The headers that need the length. Without a length there are no validator and no ranges. */
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

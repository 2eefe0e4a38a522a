/**
 * The headers that file bytes go out with: all of them ours, since whatever wrote the file is not to be trusted.
 *
 * @module
 */

import {
  cleanFilename,
  contentDisposition,
  stripStoredPrefix,
} from '../core/content-disposition.ts'
import { chooseContentType, contentSecurityPolicy, isInlineType } from '../core/content-type.ts'

/** What the headers tell of a file. */
export interface DeliveredFile {
  readonly fileId: string
  readonly filename: string
  readonly bytes?: number
  /** As the upstream sent it; hostile. */
  readonly upstreamType?: string
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

/** How a file is handed out. */
export interface DeliveryTerms {
  readonly disposition: 'attachment' | 'inline'
  /** Whether whoever holds the link may have it, on whatever page. */
  readonly isGranted: boolean
}

/** Builds the headers of a delivery; `inline` is granted only to types in which nothing can run. */
export function deliveryHeaders(
  { fileId, filename, bytes, upstreamType, upstreamRequestId }: DeliveredFile,
  { disposition, isGranted }: DeliveryTerms,
): Headers {
  const type = chooseContentType(upstreamType ?? null, filename)
  const inline = disposition === 'inline' && isInlineType(type)
  const headers = new Headers({
    'content-type': type,
    'content-disposition': contentDisposition(filename, inline ? 'inline' : 'attachment'),
    'x-content-type-options': 'nosniff',
    'content-security-policy': contentSecurityPolicy(type, inline),
    'cross-origin-resource-policy': isGranted ? 'cross-origin' : 'same-origin',
    'referrer-policy': 'no-referrer',
    'cache-control': 'private, no-store',
  })
  if (bytes !== undefined) {
    headers.set('content-length', String(bytes))
    headers.set('etag', entityTag(fileId, bytes))
  }
  if (upstreamRequestId !== undefined) headers.set('apim-request-id', upstreamRequestId)
  return headers
}

/**
 * The bytes of a file as the upstream gives them, which may know ranges or not.
 *
 * @module
 */

import type { OpenedBody } from '../../core/bytes/resume.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import { parseContentDisposition } from '../../core/http/content-disposition.ts'
import type { ByteRange } from '../../core/http/range.ts'
import type { FileLocation } from '../files/locate.ts'
import type { Upstream } from '../gateway.ts'
import { openContent, requestIdOf } from './file.ts'

/** A file's bytes, unread, and what the answer told of the file. */
export interface Content extends OpenedBody {
  /** The length of the whole file, where the answer told it. */
  readonly size?: number
  /** The upstream's own validator. */
  readonly etag?: string
  /** The name in `filename*`; the plain one is a placeholder. */
  readonly name?: string
  readonly type?: string
  readonly requestId?: string
}

/**
 * Opens the bytes, from the start of a range or, where the upstream knows none, from the file's start.
 *
 * @throws CfileError what the upstream says, and `upstream_invalid` for a part that was not asked for
 */
export async function openRange(
  { client }: Upstream,
  location: FileLocation,
  signal: AbortSignal,
  range?: ByteRange,
): Promise<Content> {
  const from = await open(range)
  const { headers, status } = from
  const [, at, size] =
    /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(
      (status === 206 && headers.get('content-range')) || '',
    ) ?? []
  if (status === 206 && (at === undefined || Number(at) !== range?.start)) {
    await from.body?.cancel()
    throw new CfileError('upstream_invalid', 'The upstream sent a part that was not asked for.')
  }
  return {
    from,
    at: Number(at ?? 0),
    size: toNumber(at === undefined ? headers.get('content-length') : size),
    etag: headers.get('etag') ?? undefined,
    name: parseContentDisposition(headers.get('content-disposition')).extended,
    type: headers.get('content-type') ?? undefined,
    requestId: requestIdOf(headers),
  }

  async function open(part: ByteRange | undefined): Promise<Response> {
    try {
      return await openContent(client, location, signal, part && `bytes=${part.start}-${part.end}`)
    } catch (error) {
      // The file is shorter than was thought: all of it tells how long it is.
      if (part === undefined || !isUnsatisfiable(error)) throw error
      return openContent(client, location, signal)
    }
  }
}

function toNumber(digits: string | null = null): number | undefined {
  return digits !== null && /^\d{1,15}$/.test(digits) ? Number(digits) : undefined
}

function isUnsatisfiable(error: unknown): boolean {
  return isCfileError(error) && error.details.upstream?.status === 416
}

/**
 * The calls to an upstream for one file, by the Containers API or the Files API.
 *
 * @module
 */

import type { AzureClient } from '../../azure/client.ts'
import { nameInPath } from '../../core/api/container-files.ts'
import type { OpenedBody } from '../../core/bytes/resume.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import { parseContentDisposition } from '../../core/http/content-disposition.ts'
import type { ByteRange } from '../../core/http/range.ts'
import type { FileLocation } from './location.ts'

/** The upstream's metadata of a file. */
export interface Description {
  /** The last part of the path, or the Files API's name. */
  readonly name?: string
  /** `undefined` if the upstream does not say it. */
  readonly bytes?: number
  /** Unix seconds. */
  readonly createdAt?: number
  /** Azure's id of the request (`apim-request-id`). */
  readonly requestId?: string
}

/**
 * Reads the metadata of a file.
 *
 * @throws CfileError the error of the upstream, such as 404
 */
export async function readDescription(
  client: AzureClient,
  { containerId, fileId }: FileLocation,
  signal: AbortSignal,
): Promise<Description> {
  let requestId: string | undefined
  const onHeaders = (headers: Headers): void => {
    requestId = requestIdOf(headers)
  }
  if (containerId === undefined) {
    const file = await client.getFile(fileId, { signal, onHeaders })
    return { name: file.filename, bytes: file.bytes ?? undefined, requestId }
  }
  const file = await client.getContainerFile(containerId, fileId, { signal, onHeaders })
  return {
    name: nameInPath(file.path),
    bytes: file.bytes ?? undefined,
    createdAt: file.created_at || undefined,
    requestId,
  }
}

/** The unread bytes of a file, and what the headers of the answer say about the file. */
export interface Content extends OpenedBody {
  /** The length of the whole file, if the answer says it. */
  readonly size?: number
  /** The upstream's own validator. */
  readonly etag?: string
  /** The name in `filename*`; the plain one is a placeholder. */
  readonly name?: string
  readonly type?: string
  readonly requestId?: string
}

/**
 * Opens the bytes of a file from the start of the range, or from the start of the file if the upstream supports no
 * ranges.
 *
 * @param location id of the file, and its container if it is in one
 * @param range the wanted bytes
 * @throws CfileError the upstream's error; `upstream_invalid` for a part that was not requested
 */
export async function openContent(
  client: AzureClient,
  location: FileLocation,
  signal: AbortSignal,
  range?: ByteRange,
): Promise<Content> {
  const from = await requestContent(client, location, signal, range).catch((error) => {
    // The file is shorter than recorded. An answer with the whole file says its length.
    if (range === undefined || !isUnsatisfiable(error)) throw error
    return requestContent(client, location, signal)
  })
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
}

/** Requests the bytes of a file, or of a part of it. */
function requestContent(
  client: AzureClient,
  { containerId, fileId }: FileLocation,
  signal: AbortSignal,
  part?: ByteRange,
): Promise<Response> {
  const options = { signal, range: part && `bytes=${part.start}-${part.end}` }
  return containerId === undefined
    ? client.getFileContent(fileId, options)
    : client.getContainerFileContent(containerId, fileId, options)
}

/** Azure's support finds a request by this id. */
function requestIdOf(headers: Headers): string | undefined {
  return headers.get('apim-request-id') ?? undefined
}

/** A length in bytes; `undefined` for anything but digits. */
function toNumber(digits: string | null = null): number | undefined {
  return digits !== null && /^\d{1,15}$/.test(digits) ? Number(digits) : undefined
}

/** Whether the upstream refused a range with 416. */
function isUnsatisfiable(error: unknown): boolean {
  return isCfileError(error) && error.details.upstream?.status === 416
}

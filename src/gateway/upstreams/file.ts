/**
 * Describes and opens one file of an upstream, by the Containers API or the Files API.
 *
 * @module
 */

import type { AzureClient } from '../../azure/client.ts'
import { nameInPath } from '../../core/api/container-files.ts'
import type { OpenedBody, Transfer } from '../../core/bytes/resume.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import {
  cleanFilename,
  parseContentDisposition,
  stripStoredPrefix,
} from '../../core/http/content-disposition.ts'
import { type ByteRange, parseContentRange } from '../../core/http/range.ts'
import type { Gateway, Upstream } from '../gateway.ts'
import { explainMissing } from './expiry.ts'
import { askInTurn, type FileLocation } from './location.ts'
import { type FileFacts, type FileSource, openedFile } from './opened-file.ts'

/**
 * Chooses the name to show: the name in the annotation, else the stored name without the upstream's prefix. `undefined`
 * without either.
 *
 * @param cited `filename` of the annotation
 * @param stored last part of the path at the upstream
 */
export function displayName(
  cited: string | undefined,
  stored: string | undefined,
): string | undefined {
  const name = cited ?? (stored === undefined ? '' : stripStoredPrefix(stored))
  return name === '' ? undefined : cleanFilename(name)
}

/**
 * Creates the source of an upstream's file. The upstream is not asked before one of its functions is called.
 *
 * @param signal fires when no reader needs the file any more
 */
export function upstreamFile(
  gateway: Gateway,
  location: FileLocation,
  signal: AbortSignal,
): FileSource {
  const { fileId, filename, record, upstreams } = location
  const known = factsOf({ name: record?.stored_name, bytes: record?.bytes }, record?.type)
  // Kept, so that one download requests it once.
  let described: Description | undefined

  function factsOf({ name, bytes }: Description, type: string | undefined): FileFacts {
    const displayed = displayName(filename, name) ?? fileId
    return { fileId, filename: displayed, storedName: name, bytes, type }
  }

  async function ask<T>(call: Parameters<typeof askInTurn<T>>[1]) {
    try {
      return await askInTurn(upstreams, call)
    } catch (error) {
      throw await explainMissing(gateway, location, error, signal)
    }
  }

  /** Completes the facts in the headers. The description costs a second call, so it is read only if needed. */
  async function complete({ client }: Upstream, content: Content): Promise<Description> {
    const name = content.name ?? described?.name ?? record?.stored_name
    const known = described?.bytes ?? record?.bytes
    const bytes = content.size ?? known
    const isComplete = bytes !== undefined && (filename ?? name) !== undefined
    // Two different lengths: the file changed, or one length is wrong.
    const isDoubtful = known !== undefined && bytes !== known
    if (described !== undefined || (isComplete && !isDoubtful)) return checked({ name, bytes })
    // The content is already open, so it is served even if the upstream cannot describe the file.
    described = await readDescription(client, location, signal).catch(() => ({}))
    signal.throwIfAborted()
    return checked({ name: name ?? described.name, bytes: bytes ?? described.bytes })
  }

  function checked(found: Description): Description {
    if (described?.bytes === undefined || described.bytes === found.bytes) return found
    throw new CfileError(
      'upstream_invalid',
      `The upstream announced ${found.bytes} bytes of a file that has ${described.bytes} by its own description.`,
    )
  }

  return {
    known,
    async describe() {
      const { upstream, found } = await ask((client) => readDescription(client, location, signal))
      described = found
      const { name, bytes = record?.bytes, requestId: upstreamRequestId, createdAt } = found
      const facts = factsOf({ name, bytes }, record?.type)
      return { ...facts, upstream, upstreamRequestId, createdAt }
    },
    async open(range) {
      const { upstream, found } = await ask((client) =>
        openContent(client, location, signal, range),
      )
      const completed = await complete(upstream, found).catch(async (error) => {
        await found.answer.body?.cancel()
        throw error
      })
      const { type, requestId: upstreamRequestId, etag } = found
      const reopen = reopenSame(gateway, upstream, location, {
        signal,
        etag,
        size: completed.bytes,
      })
      const facts = { ...factsOf(completed, type), upstream, upstreamRequestId }
      return openedFile(gateway, facts, { opened: found, reopen }, signal)
    },
  }
}

interface FirstAnswer {
  readonly signal: AbortSignal
  readonly etag?: string
  readonly size?: number
}

/** Opens the file again, and refuses it if its length or validator shows that it has changed. */
export function reopenSame(
  { observed: { traces } }: Gateway,
  { client }: Upstream,
  location: FileLocation,
  { signal, etag, size }: FirstAnswer,
): NonNullable<Transfer['reopen']> {
  const isOther = (one: unknown, other: unknown) =>
    one !== undefined && other !== undefined && one !== other
  return async (start, end = Number.MAX_SAFE_INTEGER, closed) => {
    const range = start > 0 && start <= end ? { start, end } : undefined
    const reopened = await openContent(client, location, traces.either(signal, closed), range)
    if (!isOther(reopened.size, size) && !isOther(reopened.etag, etag)) return reopened
    await reopened.answer.body?.cancel()
    throw new CfileError('upstream_invalid', 'The file changed during the download.')
  }
}

/** The upstream's metadata of a file. */
interface Description {
  /** The last part of the path, or the Files API's name. */
  readonly name?: string
  /** `undefined` if the upstream does not send it. */
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
async function readDescription(
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
interface Content extends OpenedBody {
  /** The length of the whole file, if the answer contains it. */
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
async function openContent(
  client: AzureClient,
  location: FileLocation,
  signal: AbortSignal,
  range?: ByteRange,
): Promise<Content> {
  const answer = await requestContent(client, location, signal, range).catch((error) => {
    // The file is shorter than recorded. An answer with the whole file says its length.
    if (range === undefined || !isUnsatisfiable(error)) throw error
    return requestContent(client, location, signal)
  })
  const { headers, status } = answer
  const part = status === 206 ? parseContentRange(headers.get('content-range')) : undefined
  if (status === 206 && (part === undefined || part.range.start !== range?.start)) {
    await answer.body?.cancel()
    throw new CfileError('upstream_invalid', 'The upstream sent a part that was not asked for.')
  }
  return {
    answer,
    at: part?.range.start ?? 0,
    size: part === undefined ? toNumber(headers.get('content-length')) : part.size,
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

/** The id by which Azure support finds a request. */
function requestIdOf(headers: Headers): string | undefined {
  return headers.get('apim-request-id') ?? undefined
}

/** A length in bytes; `undefined` for anything but digits. */
function toNumber(digits: string | null): number | undefined {
  return digits !== null && /^\d{1,15}$/.test(digits) ? Number(digits) : undefined
}

/** Whether the upstream refused a range with 416. */
function isUnsatisfiable(error: unknown): boolean {
  return isCfileError(error) && error.details.upstream?.status === 416
}

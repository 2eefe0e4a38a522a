/**
 * Deliver: the bytes of a file, streamed, under headers that we answer for.
 *
 * @module
 */

import { parseContentDisposition } from '../core/content-disposition.ts'
import { CfileError, isCfileError } from '../core/errors.ts'
import { exactLength } from '../core/exact-length.ts'
import { type DeliveredFile, deliveryHeaders, displayName } from './delivery-headers.ts'
import type { Caller, Gateway, Upstream } from './gateway.ts'
import { explainMissing } from './gone.ts'
import type { FileLocation } from './locate.ts'
import { putRecord } from './records.ts'
import { askInTurn, type FileFacts, openContent, readFacts } from './upstream-file.ts'

/** How a file is asked for. */
export interface DeliveryRequest {
  readonly method: 'GET' | 'HEAD'
  readonly disposition: 'attachment' | 'inline'
  /** Whether a signed link asks: then nothing is read from the store nor written there. */
  readonly isGranted: boolean
  readonly signal: AbortSignal
}

interface FoundFile extends DeliveredFile {
  readonly upstream: Upstream
  /** The upstream's own name for it. */
  readonly storedName?: string
  readonly content?: Response
}

/**
 * Answers with a file. `HEAD` reads the metadata only: an opened body pulls megabytes before an abort takes hold.
 *
 * @throws CfileError `file_not_found`, `container_expired`, `file_too_large` and those of the upstream
 */
export async function deliverFile(
  gateway: Gateway,
  caller: Caller,
  location: FileLocation,
  { method, disposition, isGranted, signal }: DeliveryRequest,
): Promise<Response> {
  const file = await find(location, method, signal).catch(async (error) => {
    throw await explainMissing(gateway, location, error, signal)
  })
  if (file.bytes !== undefined && file.bytes > gateway.maxFileBytes) {
    await file.content?.body?.cancel()
    throw tooLarge(file.bytes, gateway.maxFileBytes)
  }
  if (!isGranted && location.holder !== undefined) await remember(gateway, caller, location, file)
  return new Response(bodyOf(file), {
    headers: deliveryHeaders(file, { disposition, isGranted }),
  })
}

function find(location: FileLocation, method: 'GET' | 'HEAD', signal: AbortSignal) {
  return method === 'HEAD' ? describeFile(location, signal) : openFile(location, signal)
}

async function describeFile(location: FileLocation, signal: AbortSignal): Promise<FoundFile> {
  const { fileId, record } = location
  const { upstream, found } = await askInTurn(location.upstreams, (client) =>
    readFacts(client, location, signal),
  )
  return {
    fileId,
    upstream,
    filename: displayName(location.filename, found.name) ?? fileId,
    storedName: found.name,
    bytes: found.bytes ?? record?.bytes,
    upstreamType: record?.type,
  }
}

async function openFile(location: FileLocation, signal: AbortSignal): Promise<FoundFile> {
  const { fileId, record } = location
  const { upstream, found: content } = await askInTurn(location.upstreams, (client) =>
    openContent(client, location, signal),
  )
  const { headers } = content
  const announced = parseContentDisposition(headers.get('content-disposition')).extended
  const name = announced ?? record?.stored_name
  const length = contentLength(headers) ?? record?.bytes
  // A second call only where the first did not tell: it would cost most of the rate of small files.
  const told = length !== undefined && (location.filename ?? name) !== undefined
  const facts = told ? {} : await readFactsIfAny(upstream, location, signal)
  const storedName = name ?? facts.name
  return {
    fileId,
    upstream,
    filename: displayName(location.filename, storedName) ?? fileId,
    storedName,
    bytes: length ?? facts.bytes,
    upstreamType: headers.get('content-type') ?? undefined,
    upstreamRequestId: headers.get('apim-request-id') ?? undefined,
    content,
  }
}

/** The bytes are already on their way, so an upstream that can't describe them is no reason to refuse them. */
async function readFactsIfAny(
  { client }: Upstream,
  location: FileLocation,
  signal: AbortSignal,
): Promise<FileFacts> {
  return readFacts(client, location, signal).catch((error) => {
    if (isCfileError(error)) return {}
    throw error
  })
}

function contentLength(headers: Headers): number | undefined {
  const text = headers.get('content-length')
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** Where the upstream announced a length, `fetch` itself breaks a body that is shorter. */
function bodyOf({ content, bytes }: FoundFile): ReadableStream<Uint8Array> | null {
  const body = content?.body ?? null
  if (body === null || bytes === undefined || content?.headers.has('content-length')) return body
  return body.pipeThrough(exactLength(bytes))
}

/** Keeps what was learnt, so that the next download needs one call and a HEAD answers what this GET did. */
async function remember(
  gateway: Gateway,
  caller: Caller,
  { fileId, containerId, record, recorded }: FileLocation,
  {
    upstream,
    storedName = record?.stored_name,
    bytes,
    upstreamType: type = record?.type,
  }: FoundFile,
): Promise<void> {
  const known = record !== undefined && record.bytes === bytes && record.type === type
  if (known && record.stored_name === storedName) return
  const place = { upstream: upstream.name, seen_at: gateway.now() }
  if (!recorded && containerId) await putRecord(gateway, caller, 'container', containerId, place)
  await putRecord(gateway, caller, 'file', fileId, {
    seen_at: gateway.now(),
    container_id: containerId,
    ...record,
    upstream: upstream.name,
    stored_name: storedName,
    bytes,
    type,
  })
}

function tooLarge(bytes: number, limit: number): CfileError {
  return new CfileError(
    'file_too_large',
    `The file has ${bytes} bytes; this gateway serves at most ${limit}.`,
    {
      param: 'CFILE_MAX_FILE_BYTES',
      hint: 'Whoever runs the gateway can raise CFILE_MAX_FILE_BYTES.',
    },
  )
}

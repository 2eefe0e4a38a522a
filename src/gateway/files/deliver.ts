/**
 * Delivers a file: its bytes as a stream, with headers that the gateway chooses.
 *
 * @module
 */

import { answerWith } from '../../core/bytes/carrier.ts'
import { CfileError, fileTooLarge } from '../../core/errors.ts'
import { contentRange, type Evaluation, evaluateConditions } from '../../core/http/range.ts'
import {
  type Exchange,
  onCarriedEnd,
  serverTiming,
  setLocation,
  setServedFrom,
} from '../exchange.ts'
import type { Gateway } from '../gateway.ts'
import { putRecord } from '../owners/records.ts'
import type { FileLocation } from '../upstreams/location.ts'
import type { FileFacts, FileSource, OpenedFile } from '../upstreams/opened-file.ts'
import { deliveryHeaders, entityTag } from './headers.ts'
import { openSource } from './source.ts'

/** A request for a file. */
export interface DeliveryRequest {
  readonly method: 'GET' | 'HEAD'
  /** Headers of the request, for its conditions and its range. */
  readonly headers: Headers
  readonly disposition: 'attachment' | 'inline'
  /** Whether the request follows a signed link. Then the file's record is neither read nor written. */
  readonly isGranted: boolean
  readonly signal: AbortSignal
  /** Absent if no client gets the answer. */
  readonly exchange?: Exchange
}

/**
 * Answers with a file, a part of it, or the result of the request's conditions. For an answer without a body only the
 * metadata is read, because the upstream would send megabytes of content before an abort stops it.
 *
 * @throws CfileError `file_not_found`, `container_expired`, `file_too_large`, `range_not_satisfiable`,
 * `precondition_failed` and those of the upstream
 */
export async function deliverFile(
  gateway: Gateway,
  location: FileLocation,
  request: DeliveryRequest,
): Promise<Response> {
  if (request.exchange !== undefined)
    setLocation(request.exchange, location, gateway.runtime.clock())
  const source = await openSource(gateway, location, request)
  const decision = await decide(gateway, source, request)
  if (isBodiless(decision, request)) {
    await remember(gateway, location, decision.facts, request)
    return headOnly(decision, request)
  }
  const file = await source.open(decision.range)
  try {
    // The length is certain only after opening, so status and range are decided again.
    const final = evaluate(gateway, file.facts, request)
    await remember(gateway, location, final.facts, request)
    return await answer(gateway, file, final, request)
  } catch (error) {
    await file.cancel().catch(() => {})
    throw error
  }
}

/** The status by the request's conditions and the facts of a file, with these facts. */
type Decision = Evaluation & { readonly facts: FileFacts }

/** Decides by the known facts, and asks the source if they do not suffice. */
async function decide(
  gateway: Gateway,
  source: FileSource,
  request: DeliveryRequest,
): Promise<Decision> {
  const decision = evaluate(gateway, source.known, request)
  if (!isBodiless(decision, request) && !isUncertain(decision, request)) return decision
  return evaluate(gateway, await source.describe(), request)
}

function evaluate(
  { bounds: { maxFileBytes } }: Gateway,
  facts: FileFacts,
  { headers }: DeliveryRequest,
): Decision {
  const { fileId, bytes } = facts
  if (bytes !== undefined && bytes > maxFileBytes) throw fileTooLarge(bytes, maxFileBytes)
  const etag = bytes === undefined ? undefined : entityTag(fileId, bytes)
  return { facts, ...evaluateConditions(headers, { etag, size: bytes }) }
}

function isBodiless({ status }: Decision, { method }: DeliveryRequest): boolean {
  return method === 'HEAD' || (status !== 200 && status !== 206)
}

const conditions = ['range', 'if-none-match', 'if-match']

/** Whether the decision depends on an unknown length. */
function isUncertain({ facts }: Decision, { headers }: DeliveryRequest): boolean {
  return facts.bytes === undefined && conditions.some((name) => headers.has(name))
}

async function answer(
  { runtime: { carrier } }: Gateway,
  file: OpenedFile,
  decision: Decision,
  request: DeliveryRequest,
): Promise<Response> {
  if (isBodiless(decision, request)) {
    await file.cancel()
    return headOnly(decision, request)
  }
  const { status, range } = decision
  const headers = headersOf(decision, request)
  const bytes = file.read(range, request.exchange && onCarriedEnd(request.exchange))
  return answerWith(carrier, bytes, { status, headers })
}

/** Answers without a body: to `HEAD`, and with 304, 412 and 416. */
function headOnly(decision: Decision, request: DeliveryRequest): Response {
  const { status, facts } = decision
  if (status === 412) throw preconditionFailed()
  if (status === 416) throw unsatisfiable(facts.bytes ?? 0)
  const headers = headersOf(decision, request)
  // A 304 has no header that describes a body (RFC 9110 §15.4.5).
  if (status === 304) for (const name of contentHeaders) delete headers[name]
  return new Response(null, { status, headers })
}

function headersOf({ facts, range }: Decision, request: DeliveryRequest): Record<string, string> {
  const headers = deliveryHeaders(facts, request, range)
  if (request.exchange !== undefined) headers['server-timing'] = serverTiming(request.exchange)
  return headers
}

const contentHeaders = ['content-type', 'content-disposition', 'content-length', 'repr-digest']

/**
 * Stores the upstream and the facts of a file in its record, so that the next download needs one call and a HEAD gets
 * the same answer as this GET. Stores nothing for a signed link.
 */
export async function remember(
  gateway: Gateway,
  { fileId, containerId, record, isRecorded, holder }: FileLocation,
  { storedName = record?.stored_name, bytes, type = record?.type, upstream }: FileFacts,
  { exchange, isGranted }: Pick<DeliveryRequest, 'exchange' | 'isGranted'>,
): Promise<void> {
  if (exchange !== undefined) setServedFrom(exchange, upstream)
  if (isGranted || holder === undefined || upstream === undefined) return
  const isKnown = record !== undefined && record.bytes === bytes && record.type === type
  if (isKnown && record.stored_name === storedName) return
  const seen_at = gateway.runtime.now()
  const { name } = upstream
  try {
    if (!isRecorded && containerId !== undefined) {
      await putRecord(gateway, holder, 'container', containerId, { upstream: name, seen_at })
    }
    const first = { seen_at, container_id: containerId, ...record }
    const found = { upstream: name, stored_name: storedName, bytes, type }
    await putRecord(gateway, holder, 'file', fileId, { ...first, ...found })
  } catch (error) {
    // The file is served without a record.
    gateway.log('warn', 'The record of a file could not be stored.', { cause: String(error) })
  }
}

function preconditionFailed(): CfileError {
  return new CfileError('precondition_failed', 'The file is not the one that If-Match names.')
}

function unsatisfiable(bytes: number): CfileError {
  return new CfileError(
    'range_not_satisfiable',
    `The file has ${bytes} bytes, and none of them is in the range.`,
    { param: 'Range', headers: { 'content-range': contentRange(undefined, bytes) } },
  )
}

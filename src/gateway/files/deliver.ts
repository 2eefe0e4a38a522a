/**
 * Deliver: the bytes of a file, streamed, under headers that we answer for.
 *
 * @module
 */

import { CfileError, fileTooLarge } from '../../core/errors.ts'
import { contentRange, type Evaluation, evaluateConditions } from '../../core/http/range.ts'
import { copyBeside, copyWhileServed, isCopiedLazily } from '../archive/lazy.ts'
import {
  addTime,
  carriedBy,
  type Exchange,
  noteLocation,
  noteSource,
  serverTiming,
} from '../exchange.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { putRecord } from '../owners/records.ts'
import { answerWith, carry } from './carry.ts'
import { deliveryHeaders, entityTag } from './headers.ts'
import type { FileLocation } from './locate.ts'
import { type FileFacts, type FileSource, fromSource, upstreamSource } from './source.ts'

/** How a file is asked for. */
export interface DeliveryRequest {
  readonly method: 'GET' | 'HEAD'
  /** Its conditions and its range are heeded. */
  readonly headers: Headers
  readonly disposition: 'attachment' | 'inline'
  /** Whether a signed link asks: then nothing is read from the store nor written there. */
  readonly isGranted: boolean
  readonly signal: AbortSignal
  /** Absent where no client gets the answer. */
  readonly exchange?: Exchange
}

/**
 * Answers with a file, or with what the request's conditions make of it: 206, 304. A HEAD and whatever has no body read
 * the metadata only: an opened content pulls megabytes before an abort takes hold.
 *
 * @throws CfileError `file_not_found`, `container_expired`, `file_too_large`, `range_not_satisfiable`,
 * `precondition_failed` and those of the upstream
 */
export async function deliverFile(
  gateway: Gateway,
  location: FileLocation,
  request: DeliveryRequest,
): Promise<Response> {
  const { clock } = gateway.runtime
  const { exchange } = request
  const { holder } = location
  const began = clock()
  if (exchange !== undefined) noteLocation(exchange, location, began)
  const noteSearch = (): void => {
    if (exchange !== undefined && gateway.archiving !== undefined) {
      exchange.archiveMs ??= clock() - began
    }
  }
  const learn =
    holder === undefined || request.isGranted
      ? undefined
      : (facts: FileFacts) => remember(gateway, holder, location, facts)
  return fromSource(
    gateway,
    location,
    request.signal,
    (source) => {
      noteSearch()
      return deliverFrom(gateway, source, request)
    },
    () => {
      noteSearch()
      return deliverFromUpstream(gateway, location, request, learn)
    },
  )
}

type Learn = (facts: FileFacts) => Promise<void>

function deliverFromUpstream(
  gateway: Gateway,
  location: FileLocation,
  request: DeliveryRequest,
  learn?: Learn,
): Promise<Response> {
  if (request.method === 'HEAD' || !isCopiedLazily(gateway, location)) {
    return deliverFrom(gateway, upstreamSource(gateway, location, request.signal), request, learn)
  }
  // A client who goes away ends the download and not the copy.
  const signal = gateway.observed.traces.detach(request.signal)
  const source = upstreamSource(gateway, location, signal)
  return deliverFrom(gateway, source, { ...request, signal }, learn, (facts, answer) => {
    const download = { location, facts, isGranted: request.isGranted }
    if (answer.status === 200) {
      if (request.exchange !== undefined) request.exchange.body = 'passing'
      return copyWhileServed(gateway, download, answer)
    }
    copyBeside(gateway, download)
    return answer
  })
}

/** Is shown each answer with a body on its way. */
type Tap = (facts: FileFacts, answer: Response) => Response

async function deliverFrom(
  gateway: Gateway,
  source: FileSource,
  request: DeliveryRequest,
  learn: Learn = async () => {},
  tap: Tap = (_, answer) => answer,
): Promise<Response> {
  const { exchange } = request
  const judged = (facts: FileFacts) => judge(gateway, facts, request)
  let told = judged(source.known)
  if (isBodiless(told, request) || isUncertain(told, request)) {
    told = judged(await timed(gateway, exchange, source, source.describe()))
    if (isBodiless(told, request)) {
      if (exchange !== undefined) noteSource(exchange, told.facts.upstream)
      await learn(told.facts)
      return answer(told, request)
    }
  }
  const file = await timed(gateway, exchange, source, source.open(told.verdict.range))
  try {
    // The answer knows better how long the file is, and so what is wanted of it.
    told = judged(file.facts)
    if (exchange !== undefined) noteSource(exchange, file.facts.upstream)
    await learn(file.facts)
    if (!isBodiless(told, request)) {
      const { status, range } = told.verdict
      const headers = headersOf(told, request)
      const bytes = carry(gateway, file, request.signal, range, exchange && carriedBy(exchange))
      return tap(told.facts, await answerWith(gateway, bytes, { status, headers }))
    }
  } catch (error) {
    // Where it is being read already, its reader lets it go.
    await file.opened.from.body?.cancel().catch(() => {})
    throw error
  }
  await file.opened.from.body?.cancel()
  return answer(told, request)
}

/** Measures what the source takes. */
async function timed<T>(
  { runtime: { clock } }: Gateway,
  exchange: Exchange | undefined,
  { timed }: FileSource,
  work: Promise<T>,
): Promise<T> {
  if (exchange === undefined) return work
  const began = clock()
  const done = await work
  addTime(exchange, timed, clock() - began)
  return done
}

interface Judged {
  readonly facts: FileFacts
  readonly verdict: Evaluation
}

function judge(
  { bounds: { maxFileBytes } }: Gateway,
  facts: FileFacts,
  { headers }: DeliveryRequest,
): Judged {
  const { fileId, bytes } = facts
  if (bytes !== undefined && bytes > maxFileBytes) throw fileTooLarge(bytes, maxFileBytes)
  const etag = bytes === undefined ? undefined : entityTag(fileId, bytes)
  return { facts, verdict: evaluateConditions(headers, { etag, size: bytes }) }
}

function isBodiless({ verdict: { status } }: Judged, { method }: DeliveryRequest): boolean {
  return method === 'HEAD' || (status !== 200 && status !== 206)
}

/** Whether the length would decide, and is not known. */
function isUncertain({ facts }: Judged, { headers }: DeliveryRequest): boolean {
  const conditions = ['range', 'if-none-match', 'if-match']
  return facts.bytes === undefined && conditions.some((name) => headers.has(name))
}

/** What has no body. */
function answer({ facts, verdict }: Judged, request: DeliveryRequest): Response {
  const { status } = verdict
  if (status === 412) throw preconditionFailed()
  if (status === 416) throw unsatisfiable(facts.bytes ?? 0)
  const headers = headersOf({ facts, verdict }, request)
  // What describes a body goes with one (RFC 9110 §15.4.5).
  if (status === 304) for (const name of ofBodies) delete headers[name]
  return new Response(null, { status, headers })
}

function headersOf(
  { facts, verdict: { range } }: Judged,
  request: DeliveryRequest,
): Record<string, string> {
  const headers = deliveryHeaders(facts, request, range)
  if (request.exchange !== undefined) headers['server-timing'] = serverTiming(request.exchange)
  return headers
}

const ofBodies = ['content-type', 'content-disposition', 'content-length', 'repr-digest']

/** Keeps what was learnt, so that the next download needs one call and a HEAD answers what this GET did. */
export async function remember(
  gateway: Gateway,
  holder: Caller,
  { fileId, containerId, record, recorded }: FileLocation,
  facts: FileFacts,
): Promise<void> {
  const { storedName = record?.stored_name, bytes, type = record?.type } = facts
  const known = record !== undefined && record.bytes === bytes && record.type === type
  if (known && record.stored_name === storedName) return
  const seen_at = gateway.runtime.now()
  const upstream = facts.upstream?.name
  const learnt = { stored_name: storedName, bytes, type }
  try {
    if (!recorded && containerId !== undefined) {
      await putRecord(gateway, holder, 'container', containerId, { upstream, seen_at })
    }
    const first = { seen_at, container_id: containerId, ...record }
    await putRecord(gateway, holder, 'file', fileId, { ...first, upstream, ...learnt })
  } catch (error) {
    // The bytes are there all the same.
    gateway.log('warn', 'What was learnt of a file could not be stored.', { cause: String(error) })
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

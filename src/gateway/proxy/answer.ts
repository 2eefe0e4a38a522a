/**
 * Records what an answer of the OpenAI API contains for the caller, before the client gets it. The operation decides how:
 * answers of the Responses API, chat completions, single objects, lists and histories each have their own way.
 *
 * @module
 */

import { getResources } from '../../core/api/citations/resources.ts'
import { nameInPath } from '../../core/api/container-files.ts'
import { type NamedKind, namedKinds, type Operation } from '../../core/api/operations.ts'
import { parseJson, readBounded, toBody } from '../../core/http/body.ts'
import { isEventStreamType, isJsonType } from '../../core/http/content-type.ts'
import { isId } from '../../core/ids.ts'
import { eraseThing } from '../archive/erase.ts'
import type { InFlight } from '../balance.ts'
import { captureRows, captureThings, type Origin } from '../capture/capture.ts'
import { dropListing } from '../containers/listing.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { findRecord, putRecord, recordIfUp, recordPlace } from '../owners/records.ts'
import {
  type CompletionOptions,
  completionIds,
  recordChunks,
  recordIds,
} from './answers/completions.ts'
import { linkHistory } from './answers/links.ts'
import { recordResponse, withBody } from './answers/responses.ts'
import type { NamedBy } from './own-names.ts'
import type { ProxyRequest } from './request.ts'

/** An answer whose body has not been read yet. */
export interface Unread {
  readonly answer: Response
  /** The request in the count of the balance. It ends when the answer was read, unless that is a stream of events. */
  readonly inFlight: InFlight
  /** `sequence_number` of the last event that the client already has, for a resumed stream. */
  readonly after?: number
}

/**
 * Records what an answer contains and adds links to the files that it cites.
 *
 * @param origin the caller and the upstream of the answer
 * @param parsed the request that got the answer
 */
export async function recordAnswer(
  gateway: Gateway,
  origin: Origin,
  parsed: ProxyRequest,
  { answer, inFlight, after }: Unread,
): Promise<Response> {
  const { operation, named } = parsed
  const { method } = parsed.request
  const { answerKind } = operation
  const completion = completionOf(parsed)
  if (isEventStream(answer)) {
    if (answerKind === 'answer') return recordResponse(gateway, origin, answer, after)
    return completion === undefined ? answer : recordChunks(gateway, origin, completion, answer)
  }
  try {
    if (answerKind === 'answer') return await recordResponse(gateway, origin, answer)
    // A write may change the files of the container, so its cached list is dropped.
    if (method !== 'GET') for (const id of named.path.container) dropListing(gateway, id)
    if (!answer.ok) return answer
    const mayRecord = mayBeRecorded(gateway, origin.caller, method)
    if (mayRecord && answerKind === 'call') await recordCall(gateway, origin, answer)
    return await readAnswer(gateway, origin, answer, {
      record: mayRecord ? recorderOf(gateway, origin, operation, completion) : undefined,
      change:
        answerKind === 'history' ? (body) => linkHistory(gateway, origin, parsed, body) : undefined,
    })
  } finally {
    inFlight.end()
  }
}

/** Options of a chat completion; `undefined` if it is neither stored nor has audio: then none of its ids is recorded. */
function completionOf({ operation, sent: { named } }: ProxyRequest): CompletionOptions | undefined {
  const isKept = operation.answerKind === 'completion' && (named.isStored || named.wantsAudio)
  return isKept ? named : undefined
}

/** An admin who only reads a thing does not become its owner. */
function mayBeRecorded(
  { owners: { knowsCallers } }: Gateway,
  { admin }: Caller,
  method: string,
): boolean {
  return !knowsCallers || !admin || method === 'POST'
}

/** Returns the function that records the JSON of an answer; `undefined` when there is nothing to record. */
function recorderOf(
  gateway: Gateway,
  origin: Origin,
  { answerKind, kind }: Operation,
  completion?: CompletionOptions,
): ((body: unknown) => Promise<void>) | undefined {
  if (completion !== undefined) {
    return (body) => recordIds(gateway, origin, completionIds(body, completion))
  }
  if (answerKind === 'thing' || answerKind === 'list') {
    return (body) => captureThings(gateway, origin, body, kind === 'thing' ? kind : undefined)
  }
  // Rows about files are not recorded: the files of a vector store were recorded when they were uploaded.
  const isRows = answerKind === 'rows' || answerKind === 'history'
  const hasRows = isRows && kind === 'thing' && origin.withItems === true
  return hasRows ? (body) => captureRows(gateway, origin, body) : undefined
}

/** Steps between reading the JSON of an answer and sending it to the client. */
interface Reading {
  readonly record?: (body: unknown) => Promise<void>
  readonly change?: (body: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>>
}

/**
 * Parses a JSON answer, records it and changes it. Other answers pass unread, and so do answers over the size
 * limit.
 */
async function readAnswer(
  gateway: Gateway,
  { caller: { owner } }: Origin,
  answer: Response,
  { record, change }: Reading,
): Promise<Response> {
  const isRead = record !== undefined || change !== undefined
  if (!isRead || answer.body === null || !isJsonType(answer.headers)) return answer
  const read = await readBounded(answer.body, gateway.bounds.maxBodyBytes)
  if (read.whole === undefined) {
    gateway.log('warn', 'A list was too large to be read, so its contents are not recorded.', {
      setting: 'CFILE_MAX_BODY_BYTES',
    })
    return new Response(read.stream, answer)
  }
  const json = parseJson(read.whole)
  if (record !== undefined) {
    const things = getResources(json, 'thing').map(({ id }) => id)
    await recordIfUp(gateway.log, record(json), { owner, things })
  }
  const changed = change === undefined ? read.whole : await change(read.whole)
  return changed === read.whole ? new Response(toBody(changed), answer) : withBody(answer, changed)
}

/** Records the id of a realtime call. The answer body is SDP, so the id is taken from the `Location` header. */
async function recordCall(gateway: Gateway, origin: Origin, answer: Response): Promise<void> {
  const [path = ''] = answer.headers.get('location')?.split(/[?#]/) ?? []
  const id = nameInPath(path)
  if (!isId(id)) return
  await recordIfUp(gateway.log, recordPlace(gateway, origin, 'thing', id), {
    owner: origin.caller.owner,
    things: [id],
  })
}

/**
 * Records the ids of a request that had no record and that its upstream turned out to have. With caller auth this needs
 * `CFILE_TRUST_UNRECORDED`, and admins record nothing.
 *
 * @param path ids in the path of the request
 * @param body ids in its body
 */
export async function recordNames(
  gateway: Gateway,
  origin: Origin,
  { path, body }: Pick<NamedBy, 'path' | 'body'>,
): Promise<void> {
  const { knowsCallers, trustUnrecorded } = gateway.owners
  if (knowsCallers && (origin.caller.admin || !trustUnrecorded)) return
  const [container_id] = path.container
  await Promise.all(
    [path, body].flatMap((names) =>
      namedKinds.flatMap((kind) =>
        names[kind].map((id) => recordName(gateway, origin, kind, id, container_id)),
      ),
    ),
  )
}

/** Records one id, unless it has a record already. */
async function recordName(
  gateway: Gateway,
  { caller, upstream }: Origin,
  kind: NamedKind,
  id: string,
  container_id: string | undefined,
): Promise<void> {
  // A container file without its container cannot be fetched.
  const isLost = kind === 'file' && /^cfile/.test(id) && container_id === undefined
  if (!isId(id) || isLost || (await findRecord(gateway, caller, kind, id)) !== undefined) return
  await putRecord(gateway, caller, kind, id, {
    upstream,
    seen_at: gateway.runtime.now(),
    ...(kind === 'file' && { container_id }),
  })
}

/** Whether an answer is a stream of server-sent events. */
export function isEventStream({ headers, ok }: Response): boolean {
  return ok && isEventStreamType(headers)
}

/**
 * Erases the record of a thing that the upstream has just deleted, and the copy of a file: those of the caller, or
 * those of all owners when an admin deleted it. The record and the copies of a deleted container stay, since copies
 * exist to outlive containers. A store or archive that fails is logged, not thrown.
 *
 * @param parsed the request; `answerKind: deletion` marks operations that delete
 */
export async function eraseDeleted(
  gateway: Gateway,
  caller: Caller,
  { request: { signal }, operation: { answerKind, ids } }: ProxyRequest,
): Promise<void> {
  const thing = ids.at(-1)
  if (answerKind !== 'deletion' || thing === undefined || thing.kind === 'container') return
  try {
    await eraseThing(gateway, caller, thing, signal)
  } catch (error) {
    signal.throwIfAborted()
    const message =
      'The archive or the store does not answer, so the record or the copy of a deleted thing is still there.'
    gateway.log('warn', message, { kind: thing.kind, cause: String(error) })
  }
}

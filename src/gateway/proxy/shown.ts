/**
 * Shown: what an answer of the OpenAI API shows is recorded for the caller before a byte of it is read.
 *
 * @module
 */

import { namedKinds } from '../../core/api/named-ids.ts'
import type { NamedKind, Operation } from '../../core/api/operations.ts'
import { getResources } from '../../core/api/resources.ts'
import { parseJson, readBounded, toBody } from '../../core/http/body.ts'
import { isId } from '../../core/ids.ts'
import { recordPlace, type Source } from '../capture/capture.ts'
import { captureRows, captureThings } from '../capture/things.ts'
import { forgetListing } from '../containers/listing.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { recordIfUp } from '../owners/record-if-up.ts'
import { findRecord, putRecord } from '../owners/records.ts'
import { passAnswer, withBody } from './answer.ts'
import { completionIds, recordChunks, recordIds, type Wanted } from './completions.ts'
import { linkHistory } from './history.ts'
import type { NamedBy } from './names.ts'

/** An answer, and what it answers. */
export interface Shown {
  readonly method: string
  readonly operation: Operation
  readonly named: NamedBy
  /** The request's, with its `?`, or empty. */
  readonly query: string
  /** Present where a chat completion has ids that a later request may name. */
  readonly completion?: Wanted
  readonly answer: Response
  /** The number of the last event of a stream that the client has already. */
  readonly after?: number
  /** Called when the answer is there, unless it is a stream of events. */
  readonly onEnd: () => void
}

/** Records what an answer shows, and gives the files that it cites their links; nothing of its body is read before. */
export async function showAnswer(
  gateway: Gateway,
  source: Source,
  shown: Shown,
): Promise<Response> {
  const { method, operation, named, completion, answer, after, onEnd } = shown
  const { shows } = operation
  if (isEventStream(answer)) {
    if (shows === 'answer') return passAnswer(gateway, source, answer, after)
    return completion === undefined ? answer : recordChunks(gateway, source, completion, answer)
  }
  try {
    if (shows === 'answer') return await passAnswer(gateway, source, answer)
    // What changes a container's files makes what is known of them old.
    if (method !== 'GET') for (const id of named.path.container) forgetListing(gateway, id)
    if (!answer.ok) return answer
    const mayRecord = mayBeRecorded(gateway, source.caller, method)
    if (mayRecord && shows === 'call') await recordCall(gateway, source, answer)
    return await readAnswer(gateway, source, answer, {
      record: mayRecord ? recorderOf(gateway, source, operation, completion) : undefined,
      change: shows === 'history' ? (body) => linkHistory(gateway, source, shown, body) : undefined,
    })
  } finally {
    onEnd()
  }
}

/** What an admin only looks at stays its owner's alone. */
function mayBeRecorded(
  { owners: { knowsCallers } }: Gateway,
  { admin }: Caller,
  method: string,
): boolean {
  return !knowsCallers || !admin || method === 'POST'
}

/** How the JSON of an answer is recorded; `undefined` where it shows nothing to record. */
function recorderOf(
  gateway: Gateway,
  source: Source,
  { shows, kind }: Operation,
  completion?: Wanted,
): ((body: unknown) => Promise<void>) | undefined {
  if (completion !== undefined) {
    return (body) => recordIds(gateway, source, completionIds(body, completion))
  }
  if (shows === 'thing' || shows === 'list') {
    return (body) => captureThings(gateway, source, body, kind === 'thing' ? kind : undefined)
  }
  // The files of a vector store were uploaded, and so recorded, before.
  const isRows = shows === 'rows' || shows === 'history'
  const hasRows = isRows && kind === 'thing' && source.withItems === true
  return hasRows ? (body) => captureRows(gateway, source, body) : undefined
}

/** What is done with the JSON of an answer before it is handed on. */
interface Reading {
  readonly record?: (body: unknown) => Promise<void>
  readonly change?: (body: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>>
}

async function readAnswer(
  gateway: Gateway,
  { caller: { owner } }: Source,
  answer: Response,
  { record, change }: Reading,
): Promise<Response> {
  const type = answer.headers.get('content-type') ?? ''
  const isRead = record !== undefined || change !== undefined
  if (!isRead || answer.body === null || !/^application\/json\b/i.test(type)) return answer
  const read = await readBounded(answer.body, gateway.bounds.maxBodyBytes)
  if (read.whole === undefined) {
    gateway.log('warn', 'A list was too large to be read, so what it holds is not recorded.', {
      setting: 'CFILE_MAX_BODY_BYTES',
    })
    return new Response(read.stream, answer)
  }
  const shown = parseJson(read.whole)
  if (record !== undefined) {
    const things = getResources(shown, 'thing').map(({ id }) => id)
    await recordIfUp(gateway.log, record(shown), { owner, things })
  }
  const changed = change === undefined ? read.whole : await change(read.whole)
  return changed === read.whole ? new Response(toBody(changed), answer) : withBody(answer, changed)
}

/** A realtime call is answered with SDP, and its id with the address of the call. */
async function recordCall(gateway: Gateway, source: Source, answer: Response): Promise<void> {
  const id = answer.headers.get('location')?.split(/[?#]/)[0]?.split('/').at(-1)
  if (!isId(id)) return
  await recordIfUp(gateway.log, recordPlace(gateway, source, 'thing', id), {
    owner: source.caller.owner,
    things: [id],
  })
}

/** Records what a request named and its upstream has, where nothing was known of it. */
export async function recordNames(
  gateway: Gateway,
  source: Source,
  { path, body }: Pick<NamedBy, 'path' | 'body'>,
): Promise<void> {
  const { knowsCallers, trustUnrecorded } = gateway.owners
  if (knowsCallers && (source.caller.admin || !trustUnrecorded)) return
  const [container_id] = path.container
  await Promise.all(
    [path, body].flatMap((names) =>
      namedKinds.flatMap((kind) =>
        names[kind].map((id) => recordName(gateway, source, kind, id, container_id)),
      ),
    ),
  )
}

async function recordName(
  gateway: Gateway,
  { caller, upstream }: Source,
  kind: NamedKind,
  id: string,
  container_id: string | undefined,
): Promise<void> {
  // What a container file is called or where it lies is worth nothing without its container.
  const isLost = kind === 'file' && /^cfile/.test(id) && container_id === undefined
  if (!isId(id) || isLost || (await findRecord(gateway, caller, kind, id)) !== undefined) return
  await putRecord(gateway, caller, kind, id, {
    upstream,
    seen_at: gateway.runtime.now(),
    ...(kind === 'file' && { container_id }),
  })
}

/** Whether an answer is a stream of events. */
export function isEventStream({ headers, ok }: Response): boolean {
  return ok && /^text\/event-stream\b/i.test(headers.get('content-type') ?? '')
}

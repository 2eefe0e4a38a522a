/**
 * Parses a request of the OpenAI API: what it names, whether the caller may do that, and which upstreams may get it.
 *
 * @module
 */

import {
  mergeNames,
  type Names,
  namesInPath,
  namesInQuery,
} from '../../core/api/names/named-ids.ts'
import { type Operation, operationOf } from '../../core/api/operations.ts'
import { CfileError } from '../../core/errors.ts'
import { addMember } from '../../core/json/edits.ts'
import { inTurns } from '../../core/time.ts'
import type { Exchange } from '../exchange.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { type NamedBy, requireOwn } from './own-names.ts'
import { findRoute, type Route } from './route.ts'
import { readSentBody, type SentBody } from './sent-body.ts'

/** A request of the OpenAI API. */
export interface ApiRequest {
  readonly method: string
  /** Path below `/openai/v1` (or `/openai`), as the client wrote it. */
  readonly path: string
  /** Query with its `?`, or empty. */
  readonly query: string
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
  readonly signal: AbortSignal
  /** `root` for a path below `/openai` with a dated api-version. @default 'v1' */
  readonly below?: 'v1' | 'root'
  /** Model to add to a body that names none. */
  readonly model?: string
  readonly exchange: Exchange
}

/** A parsed request that the caller is allowed to send. */
export interface ProxyRequest {
  readonly request: ApiRequest
  readonly operation: Operation
  readonly named: NamedBy
  readonly sent: SentBody
  readonly route: Route
}

/**
 * Parses a request and checks that the caller may send it. Asks no upstream. With caller auth, writes are refused while
 * the store is down, because their results could not be recorded for the caller.
 *
 * @param request the request as the client sent it
 * @throws CfileError `not_found`, `file_not_found`, `container_not_found` for things that are not the caller's;
 * `invalid_id`; `invalid_request`; `payload_too_large`; `not_ready`
 */
export async function parseRequest(
  gateway: Gateway,
  caller: Caller,
  request: ApiRequest,
): Promise<ProxyRequest> {
  const { method, path, query, headers, below = 'v1' } = request
  refuseUpgrade(headers)
  if (gateway.owners.knowsCallers && !/^(?:GET|HEAD|OPTIONS)$/.test(method))
    await gateway.store.check()
  const operation = operationOf(method, path)
  if (gateway.owners.knowsCallers) requireServed(caller, operation)
  const named = { path: namesInPath(operation), query: namesInQuery(query, operation) }
  setOperation(request.exchange, operation, named.path)
  await requireOwn(gateway, caller, named)
  // Checked after the names, so that a differently spelt path does not reveal whether a thing exists.
  if (gateway.owners.knowsCallers && !operation.isExact) throw notServed()
  const read = await readSentBody(gateway, caller, request, operation)
  const sent = await withModel(gateway, request, read)
  const body = sent.named.names
  const route = await findRoute(gateway, caller, {
    method,
    operation,
    names: mergeNames(named.path, named.query, body),
    model: below === 'root' ? path.split('/')[2] : sent.named.model,
    canRepeat: !(sent.bytes instanceof ReadableStream),
  })
  return { request, operation, named: { ...named, body }, sent, route }
}

/** Writes operation and ids of a request into its exchange, for log and metrics. */
function setOperation(
  exchange: Exchange,
  { pattern }: Operation,
  { container, file }: Names,
): void {
  exchange.pattern = pattern
  exchange.containerId = container[0]
  exchange.fileId = file[0]
}

/** Refuses operations that were not reviewed, since an unknown one may show the things of all callers. */
function requireServed({ admin }: Caller, { allowedTo }: Operation): void {
  if (allowedTo === 'nobody' || (allowedTo === 'admins' && !admin)) throw notServed()
}

/** The error for an operation that callers may not use, or that is not spelt as documented. */
function notServed(): CfileError {
  return new CfileError('not_found', 'Nothing is served at this path.', {
    hint: 'With caller auth, only documented operations of the OpenAI API are served, spelt as documented, and none that shows the things of all callers.',
  })
}

/** Adds the model of a deployment to a body that names none. */
async function withModel(
  { runtime: { wait } }: Gateway,
  { model, signal }: ApiRequest,
  sent: SentBody,
): Promise<SentBody> {
  const { bytes, named } = sent
  const isNamed = model === undefined || named.model !== undefined
  if (isNamed || bytes === null || bytes instanceof ReadableStream) return sent
  const added = await inTurns(wait, addMember(bytes, 'model', model), signal)
  return { ...sent, bytes: added, named: { ...named, model } }
}

/** Refuses WebSocket upgrades on paths that have none. */
function refuseUpgrade(headers: Headers): void {
  if (!/\bwebsocket\b/i.test(headers.get('upgrade') ?? '')) return
  throw new CfileError('invalid_request', 'WebSocket connections are not passed on.', {
    hint: 'Ask for a stream of events with "stream": true, or connect to the resource itself.',
  })
}

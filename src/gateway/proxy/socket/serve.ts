/**
 * The Responses API over WebSocket: each message of the client is a request body, each message of the upstream is one
 * event of an answer.
 *
 * The socket to the upstream is opened with the first message, since that names the things that decide the upstream.
 * Messages are checked, recorded, linked and healed like requests over HTTP.
 *
 * @see https://learn.microsoft.com/azure/ai-foundry/openai/how-to/websockets
 * @module
 */

import { socketMessages } from '../../../core/api/operations.ts'
import { wasNeverSent } from '../../../core/bytes/failures.ts'
import { requestHeaders } from '../../../core/http/proxied-headers.ts'
import type { Socket, SocketEnd } from '../../../core/http/websocket.ts'
import { messageType } from '../../../core/sse/event.ts'
import { previousTurn } from '../../capture/capture.ts'
import { setServedFrom } from '../../exchange.ts'
import type { Caller, Gateway, Upstream } from '../../gateway.ts'
import { prepareHealing } from '../heal.ts'
import { parseRequest } from '../request.ts'
import { limitLifetime, passEvents, watchIdle } from './answers.ts'
import {
  isBusy,
  lifetimeEvent,
  notText,
  otherUpstream,
  type Pending,
  type Session,
  type SocketRequest,
  sendError,
  type UpstreamSocket,
  unknownType,
} from './session.ts'

const decoder = new TextDecoder()

/**
 * Serves one client until either side closes. An invalid message is answered with an `error` event, and the socket stays
 * open.
 *
 * @param client the accepted socket of the client
 */
export async function serveSocket(
  gateway: Gateway,
  caller: Caller,
  request: SocketRequest,
  client: Socket,
): Promise<void> {
  const session: Session = {
    gateway,
    caller,
    request,
    client,
    pending: [],
    isAnswering: false,
    isReading: false,
    idleTicks: 0,
    isExpired: false,
  }
  const sessionEnd = { end: (why: SocketEnd) => endIdle(session, why) }
  gateway.sockets.open.add(sessionEnd)
  client.signal.addEventListener('abort', () => endWork(session), { once: true })
  limitLifetime(session).catch(() => {})
  try {
    for (let message = await client.next(); message !== undefined; message = await client.next()) {
      // A message that is still unread when the client leaves is not sent, because nobody would get its answer.
      if (client.ended !== undefined) break
      await takeMessage(session, message)
    }
  } finally {
    gateway.sockets.open.delete(sessionEnd)
    endWork(session)
  }
}

/** Closes the socket on shutdown, unless an answer is under way. */
function endIdle(session: Session, why: SocketEnd): void {
  if (!isBusy(session)) session.client.close(why)
}

/** Ends the work for a client that has left, and closes the socket to the upstream. */
function endWork({ client, preparing, pending, upstream }: Session): void {
  preparing?.abort()
  for (const { stop } of pending) stop.abort()
  upstream?.socket.close(client.ended ?? { code: 1000, reason: '' })
}

/** Sends one message of the client upstream, or answers it with an `error` event. */
async function takeMessage(session: Session, message: string | Uint8Array): Promise<void> {
  const { client, request } = session
  if (session.isExpired) return client.send(lifetimeEvent(request.exchange.requestId))
  const stop = new AbortController()
  session.preparing = stop
  try {
    session.gateway.owners.limits.countRequest(session.caller.key)
    if (typeof message !== 'string') throw notText()
    requireKnown(session, message)
    const { text, socket, ...pending } = await prepare(session, message, stop)
    if (client.ended !== undefined) return
    // Other messages, such as `response.inject`, belong to an answer that is under way.
    if (messageType(message) === 'response.create') session.pending.push(pending)
    session.preparing = undefined
    session.idleTicks = 0
    await socket.send(text)
  } catch (error) {
    await sendError(session, error)
  } finally {
    session.preparing = undefined
  }
}

/** Refuses messages of unknown types, since an unknown one may name things of others in fields that are not checked. */
function requireKnown({ gateway }: Session, message: string): void {
  if (gateway.owners.knowsCallers && !socketMessages.has(messageType(message))) throw unknownType()
}

/** Parses a message as a request body and opens the socket to the upstream for the first one. */
async function prepare(
  session: Session,
  message: string,
  stop: AbortController,
): Promise<Pending & { readonly text: string; readonly socket: Socket }> {
  const { gateway, caller, request } = session
  const parsed = await parseRequest(gateway, caller, {
    method: 'POST',
    path: '/responses',
    query: '',
    headers: new Headers({ 'content-type': 'application/json' }),
    body: new Response(message).body,
    signal: stop.signal,
    exchange: request.exchange,
  })
  const healing = await prepareHealing(gateway, caller, parsed)
  const { sent, route, named } = healing.current
  if (!(sent.bytes instanceof Uint8Array)) throw notText()
  const text = decoder.decode(sent.bytes)
  const pending = { healing, previous: previousTurn(named.body), stop }
  const known = session.upstream
  if (known !== undefined && known.socket.ended === undefined) {
    if (route.reason !== 'free' && !route.upstreams.includes(known.home)) throw otherUpstream()
    return { ...pending, text, socket: known.socket }
  }
  const opened = await open(request, route.upstreams, stop.signal)
  session.upstream = opened
  setServedFrom(request.exchange, opened.home)
  watchIdle(session, opened).catch(() => {})
  passEvents(session, opened).catch((error) => failSession(session, error))
  return { ...pending, text, socket: opened.socket }
}

/** Closes the client's socket after an internal error. */
function failSession({ gateway, request, client }: Session, error: unknown): void {
  // The work for a client that has left is aborted, which is no error.
  if (client.ended !== undefined) return
  gateway.log('error', 'A WebSocket failed.', {
    request_id: request.exchange.requestId,
    cause: String(error),
  })
  client.close({ code: 1011, reason: 'The gateway failed; its log has the cause.' })
}

/** Connects to the first upstream that can be reached. */
async function open(
  { headers, query }: SocketRequest,
  upstreams: readonly Upstream[],
  signal: AbortSignal,
): Promise<UpstreamSocket> {
  let failure: unknown
  for (const home of upstreams) {
    try {
      const wanted = { path: '/responses', query, headers: requestHeaders(headers), signal }
      return { home, socket: await home.client.connect(wanted) }
    } catch (error) {
      failure ??= error
      if (!wasNeverSent(error)) break
    }
  }
  throw failure
}

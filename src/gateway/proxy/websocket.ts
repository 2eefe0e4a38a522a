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

import { toErrorBody } from '../../core/errors.ts'
import { requestHeaders } from '../../core/http/proxied-headers.ts'
import { wasNeverSent } from '../../core/http/unsent.ts'
import type { PreviousTurn } from '../../core/rewrite/answer-containers.ts'
import type { Socket, SocketEnd } from '../../core/sockets/socket.ts'
import { eventToMessage, messageToEvent, messageType } from '../../core/sse/message.ts'
import { previousTurn } from '../capture/capture.ts'
import { type Exchange, setServedFrom } from '../exchange.ts'
import type { Caller, Gateway, Upstream } from '../gateway.ts'
import { createEventHandler } from './answers/responses.ts'
import { type Healing, prepareHealing } from './heal.ts'
import { parseRequest } from './request.ts'
import { notText, otherUpstream, silent, toFailure } from './websocket-failures.ts'

const decoder = new TextDecoder()

/** The upgrade request of a client. */
export interface SocketRequest {
  readonly headers: Headers
  /** Query with its `?`, or empty. */
  readonly query: string
  readonly exchange: Exchange
}

/** State of one client connection. */
interface Session {
  readonly gateway: Gateway
  readonly caller: Caller
  readonly request: SocketRequest
  readonly client: Socket
  /** The connection to the upstream; opened with the first message. */
  upstream?: { readonly home: Upstream; readonly socket: Socket }
  /** Messages that were sent upstream and whose answers have not begun, in the order of the answers. */
  readonly pending: Pending[]
  /** Whether an answer has begun and not ended. */
  isAnswering: boolean
  /** Quarters of the idle timeout since the last message of the upstream. */
  quietTicks: number
}

/** A message that waits for its answer. */
interface Pending {
  /** Heals the message; absent when it was healed before. */
  readonly healing?: Healing
  /** The turn that the message continues. */
  readonly previous?: PreviousTurn
}

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
    quietTicks: 0,
  }
  const sessionEnd = { end: (why: SocketEnd) => endIdle(session, why) }
  gateway.sockets.open.add(sessionEnd)
  try {
    for (let message = await client.next(); message !== undefined; message = await client.next()) {
      await takeMessage(session, message)
    }
  } finally {
    gateway.sockets.open.delete(sessionEnd)
    session.upstream?.socket.close({
      code: client.ended?.code ?? 1000,
      reason: client.ended?.reason ?? '',
    })
  }
}

/** Closes the socket on shutdown, unless an answer is under way. */
function endIdle(session: Session, why: SocketEnd): void {
  if (!isBusy(session)) session.client.close(why)
}

/** Whether an answer is under way or due. */
function isBusy({ isAnswering, pending }: Session): boolean {
  return isAnswering || pending.length > 0
}

/** Sends one message of the client upstream, or answers it with an `error` event. */
async function takeMessage(session: Session, message: string | Uint8Array): Promise<void> {
  try {
    if (typeof message !== 'string') throw notText()
    const { text, socket, ...pending } = await prepare(session, message)
    session.pending.push(pending)
    session.quietTicks = 0
    await socket.send(text)
  } catch (error) {
    await session.client.send(errorEvent(session, error))
  }
}

/** Parses a message as a request body and opens the socket to the upstream for the first one. */
async function prepare(
  session: Session,
  message: string,
): Promise<Pending & { readonly text: string; readonly socket: Socket }> {
  const { gateway, caller, request } = session
  const parsed = await parseRequest(gateway, caller, {
    method: 'POST',
    path: '/responses',
    query: '',
    headers: new Headers({ 'content-type': 'application/json' }),
    body: new Response(message).body,
    signal: new AbortController().signal,
    exchange: request.exchange,
  })
  const healing = await prepareHealing(gateway, caller, parsed)
  const { sent, route, named } = healing.current
  if (!(sent.bytes instanceof Uint8Array)) throw notText()
  const text = decoder.decode(sent.bytes)
  const pending = { healing, previous: previousTurn(named.body) }
  const known = session.upstream
  if (known !== undefined && known.socket.ended === undefined) {
    if (route.reason !== 'free' && !route.upstreams.includes(known.home)) throw otherUpstream()
    return { ...pending, text, socket: known.socket }
  }
  const opened = await open(request, route.upstreams)
  session.upstream = opened
  setServedFrom(request.exchange, opened.home)
  watchSilence(session, opened.socket).catch(() => {})
  passEvents(session, opened).catch((error) => {
    gateway.log('error', 'A WebSocket failed.', {
      request_id: request.exchange.requestId,
      cause: String(error),
    })
    session.client.close({ code: 1011, reason: 'The gateway failed; its log has the cause.' })
  })
  return { ...pending, text, socket: opened.socket }
}

/** Connects to the first upstream that can be reached. */
async function open(
  { headers, query }: SocketRequest,
  upstreams: readonly Upstream[],
): Promise<{ readonly home: Upstream; readonly socket: Socket }> {
  let failure: unknown
  for (const home of upstreams) {
    try {
      const wanted = { path: '/responses', query, headers: requestHeaders(headers) }
      return { home, socket: await home.client.connect(wanted) }
    } catch (error) {
      failure ??= error
      if (!wasNeverSent(error)) break
    }
  }
  throw failure
}

/** Passes the messages of the upstream on until it closes. What they cite is recorded before they are sent. */
async function passEvents(
  session: Session,
  { home, socket }: { readonly home: Upstream; readonly socket: Socket },
): Promise<void> {
  const { gateway, caller, client } = session
  const origin = {
    caller,
    upstream: home.name,
    withItems: gateway.owners.knowsCallers || gateway.upstreams.length > 1,
  }
  let outbox: string[] = []
  const emit = (raw: Uint8Array): void => void outbox.push(eventToMessage(raw))
  const flush = async (): Promise<void> => {
    const messages = outbox
    outbox = []
    for (const message of messages) await client.send(message)
  }
  let handler = createEventHandler(gateway, origin)
  for (
    let message = await nextEvent(session, socket);
    message !== undefined;
    message = await nextEvent(session, socket)
  ) {
    const type = messageType(message)
    if (await isHealed(session, { home, socket }, type, message)) continue
    if (type === 'response.created') {
      await handler.end(emit)
      const previous = session.pending.shift()?.previous
      session.isAnswering = true
      handler = createEventHandler(gateway, { ...origin, previous })
    }
    await handler.push(messageToEvent(message), emit)
    if (lastOfAnswer.has(type)) {
      await handler.end(emit)
      // An error without an answer before it is the answer to the first message.
      if (!session.isAnswering) session.pending.shift()
      session.isAnswering = false
    }
    await flush()
  }
  await handler.end(emit)
  await flush()
  client.close(endOf(socket))
}

/** Sends a request once more when its answer says that the container has expired. The client never sees that. */
async function isHealed(
  session: Session,
  { home, socket }: { readonly home: Upstream; readonly socket: Socket },
  type: string,
  message: string,
): Promise<boolean> {
  const [refused] = session.pending
  if (type !== 'error' || session.isAnswering || refused?.healing === undefined) return false
  const again = await refused.healing.heal(message, home)
  const bytes = again?.parsed.sent.bytes
  if (!(bytes instanceof Uint8Array)) return false
  session.pending.shift()
  session.pending.push({ previous: refused.previous })
  await socket.send(decoder.decode(bytes))
  return true
}

const lastOfAnswer: ReadonlySet<string> = new Set([
  'response.completed',
  'response.incomplete',
  'response.failed',
  'error',
])

/** Waits for the next message of the upstream as text. */
async function nextEvent(session: Session, socket: Socket): Promise<string | undefined> {
  const message = await socket.next()
  session.quietTicks = 0
  return message instanceof Uint8Array ? decoder.decode(message) : message
}

const ticksOfSilence = 4

/** Closes a socket that sends nothing for `CFILE_STREAM_IDLE_TIMEOUT_MS` during an answer. */
async function watchSilence(session: Session, socket: Socket): Promise<void> {
  const { wait } = session.gateway.runtime
  const { streamIdleTimeoutMs } = session.gateway.bounds
  while (socket.ended === undefined) {
    await wait(streamIdleTimeoutMs / ticksOfSilence)
    session.quietTicks += 1
    if (!isBusy(session) || session.quietTicks <= ticksOfSilence) continue
    await session.client.send(errorEvent(session, silent()))
    socket.close({ code: 1011, reason: 'The upstream stopped sending.' })
  }
}

/** Code and reason for the client when the upstream has closed. */
function endOf({ ended }: Socket): SocketEnd {
  if (ended === undefined || ended.code === 1006) {
    return { code: 1011, reason: 'The upstream broke the connection.' }
  }
  return ended
}

/** Builds the `error` event for a failed message, in the shape of the API, and logs the failure. */
function errorEvent({ gateway, request }: Session, error: unknown): string {
  const known = toFailure(error)
  gateway.log(known.status < 500 ? 'info' : 'error', known.message, {
    request_id: request.exchange.requestId,
    code: known.code,
    cause: known.cause === undefined ? undefined : String(known.cause),
  })
  return JSON.stringify({
    type: 'error',
    status: known.status,
    ...toErrorBody(known, request.exchange.requestId),
  })
}

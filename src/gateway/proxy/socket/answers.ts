/**
 * The upstream's direction of a WebSocket: its messages pass to the client like the events of a stream.
 *
 * @module
 */

import { eventToMessage, messageToEvent, messageType } from '../../../core/sse/event.ts'
import { originOf } from '../../capture/capture.ts'
import { createEventHandler } from '../answers/responses.ts'
import { heal } from '../heal.ts'
import {
  brokenAnswer,
  endOf,
  failAnswers,
  idleUpstream,
  isBusy,
  lifetimeEnd,
  lifetimeEvent,
  type Session,
  type UpstreamSocket,
} from './session.ts'

const decoder = new TextDecoder()

/**
 * Passes the messages of the upstream on until it closes. What they cite is recorded before they are sent.
 *
 * @param upstream the opened socket to the upstream
 */
export async function passEvents(session: Session, upstream: UpstreamSocket): Promise<void> {
  const { gateway, caller, client } = session
  const { home, socket } = upstream
  const origin = originOf(gateway, caller, home.name)
  let outbox: string[] = []
  const emit = (raw: Uint8Array): void => void outbox.push(eventToMessage(raw))
  const flush = async (): Promise<void> => {
    const messages = outbox
    outbox = []
    for (const message of messages) await client.send(message)
  }
  let handler = createEventHandler(gateway, origin)
  for (
    let message = await nextEvent(session, upstream);
    message !== undefined;
    message = await nextEvent(session, upstream)
  ) {
    const type = messageType(message)
    if (await tryHeal(session, upstream, type, message)) continue
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
    if (session.isExpired && !isBusy(session)) closeExpired(session)
  }
  await handler.end(emit)
  await flush()
  const end = endOf(socket.ended)
  if (!isBusy(session)) return client.close(end)
  failAnswers(session, brokenAnswer(socket.ended ?? end))
  client.close(end.reason === '' ? endOf(undefined) : end)
}

/** Sends a request once more if its answer says that the container has expired. That answer is not sent to the client. */
async function tryHeal(
  session: Session,
  { home, socket }: UpstreamSocket,
  type: string,
  message: string,
): Promise<boolean> {
  const [refused] = session.pending
  if (type !== 'error' || session.isAnswering || refused?.healing === undefined) return false
  const { gateway, caller } = session
  const refusal = { text: message, upstream: home }
  const second = await heal(gateway, caller, refused.healing, refusal)
  const bytes = second?.parsed.sent.bytes
  if (!(bytes instanceof Uint8Array)) return false
  session.pending.shift()
  session.pending.push({ previous: refused.previous, stop: refused.stop })
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
async function nextEvent(
  session: Session,
  { socket }: UpstreamSocket,
): Promise<string | undefined> {
  session.idleTicks = 0
  session.isReading = true
  const message = await socket.next()
  session.isReading = false
  return message instanceof Uint8Array ? decoder.decode(message) : message
}

const ticksUntilIdle = 4

/**
 * Closes a socket that sends nothing for `CFILE_STREAM_IDLE_TIMEOUT_MS` during an answer.
 *
 * @throws when the socket has closed, which ends the watch
 */
export async function watchIdle(session: Session, { socket }: UpstreamSocket): Promise<void> {
  const { wait } = session.gateway.runtime
  const { streamIdleTimeoutMs } = session.gateway.bounds
  while (socket.ended === undefined) {
    await wait(streamIdleTimeoutMs / ticksUntilIdle, socket.signal)
    if (!session.isReading) continue
    session.idleTicks += 1
    if (!isBusy(session) || session.idleTicks <= ticksUntilIdle) continue
    failAnswers(session, idleUpstream())
    socket.close({ code: 1011, reason: 'The upstream stopped sending.' })
  }
}

// Azure's own limit for its sockets.
const longestLifetimeMs = 60 * 60_000

/** Closes the client's socket after 60 minutes. An answer under way may end before. */
export async function limitLifetime(session: Session): Promise<void> {
  const { gateway, client } = session
  const { wait } = gateway.runtime
  await wait(longestLifetimeMs, client.signal)
  session.isExpired = true
  if (isBusy(session)) await wait(gateway.bounds.generationTimeoutMs, client.signal)
  closeExpired(session)
}

/** Closes the client's socket with the `error` event that Azure sends for a socket that was open for too long. */
function closeExpired({ client, request }: Session): void {
  // Not waited for: a client that does not read would keep the socket open.
  client.send(lifetimeEvent(request.exchange.requestId)).catch(() => {})
  client.close(lifetimeEnd)
}

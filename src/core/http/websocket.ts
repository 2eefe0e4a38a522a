/**
 * A WebSocket (RFC 6455) in the form that the gateway uses on every runtime, and the adapter for the standard
 * `WebSocket` of Deno and Workers.
 *
 * @module
 */

import { HandshakeRefused } from '../errors.ts'

/** Why a socket was closed. */
export interface SocketEnd {
  /** RFC 6455 §7.4; 1006 if the connection was lost. */
  readonly code: number
  readonly reason: string
}

/** One end of a WebSocket. */
export interface Socket {
  /** The next message of the peer; `undefined` once the socket is closed. While messages wait, the peer is paused. */
  next(): Promise<string | Uint8Array | undefined>
  /** Sends a text message. Resolves when the next one may be sent. Does nothing on a closed socket. */
  send(text: string): Promise<void>
  /** Starts the closing handshake. Does nothing on a closed socket. */
  close(end: SocketEnd): void
  /** Why the socket was closed; `undefined` while it is open. */
  readonly ended: SocketEnd | undefined
  /** Fires when the socket is closed, even if no `next()` is pending. */
  readonly signal: AbortSignal
}

/** Opens a socket to an `https:` URL, or an `http:` URL on loopback. Rejects if the handshake is refused. */
export type Connect = (
  url: URL,
  options: { readonly headers: Readonly<Record<string, string>>; readonly signal?: AbortSignal },
) => Promise<Socket>

/** The bindings that a runtime adds to a request for a WebSocket. */
export interface UpgradeBindings {
  /**
   * Accepts the socket.
   *
   * @param serve called with the socket as soon as it is open
   * @returns the response for the route
   */
  readonly upgrade?: (serve: (socket: Socket) => Promise<void>) => Response
}

/** Maximum size of a message in bytes. */
export const mostMessageBytes: number = 64 * 1024 ** 2

/** The end of a socket whose peer sent a message over {@link mostMessageBytes}. */
export const messageTooLarge: SocketEnd = {
  code: 1009,
  reason: `A message may have at most ${mostMessageBytes / 1024 ** 2} MiB.`,
}

/** The end of a socket whose peer sends without reading answers, on runtimes that cannot pause it. */
export const tooManyWaiting: SocketEnd = {
  code: 1008,
  reason: 'Too many messages wait; send the next one after the answer to the last.',
}

/** The receiving half of a socket. Events of the runtime add messages, and a caller takes them one by one. */
export interface Inbox {
  put(message: string | Uint8Array): void
  /** Whether the waiting messages are larger than one message may be. */
  readonly isFull: boolean
  end(why: SocketEnd): void
  next(): Promise<string | Uint8Array | undefined>
  readonly ended: SocketEnd | undefined
  readonly signal: AbortSignal
}

/**
 * Creates an inbox.
 *
 * @param flow `pause` is called when messages begin to wait, `resume` when none waits any more; for runtimes that can
 *   pause the peer
 */
export function createInbox(
  flow: { readonly pause?: () => void; readonly resume?: () => void } = {},
): Inbox {
  const waiting: (string | Uint8Array)[] = []
  let taker: ((message: string | Uint8Array | undefined) => void) | undefined
  let ended: SocketEnd | undefined
  let size = 0
  const closing = new AbortController()
  return {
    signal: closing.signal,
    get isFull() {
      return size > mostMessageBytes
    },
    get ended() {
      return ended
    },
    put(message) {
      if (ended !== undefined) return
      if (taker === undefined) {
        waiting.push(message)
        size += message.length
        flow.pause?.()
      } else {
        taker(message)
        taker = undefined
      }
    },
    end(why) {
      ended ??= why
      taker?.(undefined)
      taker = undefined
      closing.abort()
    },
    async next() {
      const message = waiting.shift()
      if (message !== undefined) {
        size -= message.length
        if (waiting.length === 0) flow.resume?.()
        return message
      }
      if (ended !== undefined) return undefined
      return new Promise((resolve) => {
        taker = resolve
      })
    },
  }
}

/** Creates two connected sockets in one process. */
export function createSocketPair(): [Socket, Socket] {
  const inboxes = [createInbox(), createInbox()] as const
  const endOf = (own: Inbox, other: Inbox): Socket => ({
    next: own.next,
    signal: own.signal,
    get ended() {
      return own.ended
    },
    async send(text) {
      if (own.ended === undefined) other.put(text)
    },
    close(end) {
      own.end(end)
      other.end(end)
    },
  })
  return [endOf(inboxes[0], inboxes[1]), endOf(inboxes[1], inboxes[0])]
}

/**
 * Creates a function that opens sockets to an app in this process.
 *
 * @throws HandshakeRefused (from the returned function) if the app does not accept the socket
 */
export function connectWithin(app: {
  fetch(request: Request, env: UpgradeBindings): Response | Promise<Response>
}): Connect {
  return async (url, { headers }) => {
    const [own, other] = createSocketPair()
    let isAccepted = false
    const upgrade: UpgradeBindings['upgrade'] = (serve) => {
      isAccepted = true
      serve(other).catch(() => other.close({ code: 1011, reason: '' }))
      return new Response()
    }
    const request = new Request(url, { headers: { ...headers, upgrade: 'websocket' } })
    const { status } = await app.fetch(request, { upgrade })
    if (isAccepted) return own
    throw new HandshakeRefused(status)
  }
}

/**
 * Converts a close code to one that an endpoint may send (RFC 6455 §7.4.1). 1005 and 1006 only describe what was seen.
 *
 * @param code of a close frame that came from the other side
 * @see https://www.rfc-editor.org/rfc/rfc6455#section-7.4
 */
export function sendableCode(code: number): number {
  const isDefined =
    (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || code >= 3000
  if (code === 1005) return 1000
  return isDefined && code <= 4999 ? code : 1011
}

const encoder = new TextEncoder()

/**
 * Shortens a reason to 123 bytes, the maximum in a close frame.
 *
 * @param reason may have characters of several bytes, of which none is split
 */
export function cutReason(reason: string): string {
  let cut = reason.slice(0, 123)
  while (encoder.encode(cut).byteLength > 123) cut = cut.slice(0, -1)
  return cut
}

/** Bytes that may wait in the runtime before `send` waits. */
const mostBuffered = 1024 ** 2

/**
 * Wraps an open standard `WebSocket`.
 *
 * @param socket accepted or connected; no other code may read it
 * @param wait waits for milliseconds; used to poll while the peer reads too slowly, because the API has no event for
 *   that
 */
export function webSocket(socket: WebSocket, wait: (ms: number) => Promise<void>): Socket {
  const inbox = createInbox()
  socket.binaryType = 'arraybuffer'
  const close = ({ code, reason }: SocketEnd): void => {
    if (inbox.ended !== undefined) return
    inbox.end({ code, reason })
    socket.close(sendableCode(code), cutReason(reason))
  }
  socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
    const message = typeof data === 'string' ? data : new Uint8Array(data)
    if (isTooLarge(message)) close(messageTooLarge)
    else inbox.put(message)
    if (inbox.isFull) close(tooManyWaiting)
  })
  socket.addEventListener('close', ({ code, reason }) => inbox.end({ code, reason }))
  socket.addEventListener('error', () => inbox.end({ code: 1006, reason: '' }))
  return {
    next: inbox.next,
    signal: inbox.signal,
    get ended() {
      return inbox.ended
    },
    async send(text) {
      if (inbox.ended !== undefined) return
      socket.send(text)
      while (socket.bufferedAmount > mostBuffered && inbox.ended === undefined) await wait(10)
    },
    close,
  }
}

/** Whether a message has more bytes than allowed, in UTF-8. */
function isTooLarge(message: string | Uint8Array): boolean {
  if (message.length > mostMessageBytes) return true
  // A UTF-16 unit has three bytes at most, so that most texts need not be encoded.
  if (typeof message !== 'string' || message.length * 3 <= mostMessageBytes) return false
  return encoder.encode(message).byteLength > mostMessageBytes
}

/**
 * A WebSocket (RFC 6455) as the gateway uses it, whichever runtime it comes from.
 *
 * @module
 */

/** Why a socket ended. */
export interface SocketEnd {
  /** RFC 6455 §7.4; 1006 where the connection broke. */
  readonly code: number
  readonly reason: string
}

/** One end of a WebSocket. */
export interface Socket {
  /** The other end's messages, in order; `undefined` once it is closed. A message that waits stops the other end. */
  next(): Promise<string | Uint8Array | undefined>
  /** Sends a text message; resolves when the next may be sent. A closed socket takes it and does nothing. */
  send(text: string): Promise<void>
  /** Starts the closing handshake. Does nothing on a closed socket. */
  close(end: SocketEnd): void
  /** Why it was closed; before it is, nothing. */
  readonly ended: SocketEnd | undefined
}

/** Opens a socket to a URL (`https:`, or `http:` on loopback). Rejects where the handshake is refused. */
export type Connect = (
  url: URL,
  options: { readonly headers: Readonly<Record<string, string>>; readonly signal?: AbortSignal },
) => Promise<Socket>

/** What a runtime adds to a request that asks for a WebSocket. */
export interface UpgradeBindings {
  /**
   * Accepts the socket.
   *
   * @param serve is given the socket as soon as it is open
   * @returns what the route answers with
   */
  readonly upgrade?: (serve: (socket: Socket) => Promise<void>) => Response
}

/** The largest message that is taken, in bytes. */
export const mostMessageBytes: number = 64 * 1024 ** 2

/** A handshake that was answered with something else than 101. */
export class HandshakeRefused extends Error {
  override readonly name = 'HandshakeRefused'
  readonly status: number
  constructor(status: number) {
    super(`The WebSocket handshake was answered with status ${status}.`)
    this.status = status
  }
}

/** The receiving half of a socket: messages are put in by a runtime's events and taken out one by one. */
export interface Inbox {
  put(message: string | Uint8Array): void
  end(why: SocketEnd): void
  next(): Promise<string | Uint8Array | undefined>
  readonly ended: SocketEnd | undefined
}

/**
 * Makes an inbox.
 *
 * @param flow `pause` is called while messages wait, `resume` when none does, on runtimes that can stop the other end
 */
export function createInbox(
  flow: { readonly pause?: () => void; readonly resume?: () => void } = {},
): Inbox {
  const waiting: (string | Uint8Array)[] = []
  let taker: ((message: string | Uint8Array | undefined) => void) | undefined
  let ended: SocketEnd | undefined
  return {
    get ended() {
      return ended
    },
    put(message) {
      if (taker === undefined) {
        waiting.push(message)
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
    },
    async next() {
      const message = waiting.shift()
      if (message !== undefined) {
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

/** Two ends of a socket in one process. */
export function createSocketPair(): [Socket, Socket] {
  const inboxes = [createInbox(), createInbox()] as const
  const endOf = (own: Inbox, other: Inbox): Socket => ({
    next: own.next,
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
 * Opens sockets to an app in this process.
 *
 * @throws HandshakeRefused (by the function that it returns) where the app accepts none
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

/** A code that an endpoint may send (RFC 6455 §7.4.1): 1005 and 1006 only describe what was seen. */
export function sendableCode(code: number): number {
  const isDefined =
    (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || code >= 3000
  if (code === 1005) return 1000
  return isDefined && code <= 4999 ? code : 1011
}

const encoder = new TextEncoder()

/** A reason of at most 123 bytes, the most that a close frame holds. */
export function cutReason(reason: string): string {
  let cut = reason.slice(0, 123)
  while (encoder.encode(cut).byteLength > 123) cut = cut.slice(0, -1)
  return cut
}

/**
 * Adapts the standard `WebSocket` of Deno and Workers.
 *
 * @module
 */

import {
  createInbox,
  cutReason,
  messageTooLarge,
  mostMessageBytes,
  type Socket,
  type SocketEnd,
  sendableCode,
  tooManyWaiting,
} from './socket.ts'

/** Bytes that may wait in the runtime before `send` waits. */
const mostBuffered = 1024 ** 2

/**
 * Wraps an open standard `WebSocket`.
 *
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

const encoder = new TextEncoder()

/** Whether a message has more bytes than allowed, in UTF-8. */
function isTooLarge(message: string | Uint8Array): boolean {
  if (message.length > mostMessageBytes) return true
  // A UTF-16 unit has three bytes at most, so that most texts need not be encoded.
  if (typeof message !== 'string' || message.length * 3 <= mostMessageBytes) return false
  return encoder.encode(message).byteLength > mostMessageBytes
}

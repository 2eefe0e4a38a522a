/**
 * The web's own `WebSocket`, which Deno and Workers have, as the gateway uses one.
 *
 * @module
 */

import {
  createInbox,
  cutReason,
  mostMessageBytes,
  type Socket,
  type SocketEnd,
  sendableCode,
} from './socket.ts'

/** How many bytes may wait in the runtime before the sender waits. */
const mostBuffered = 1024 ** 2

/**
 * Wraps the web's own `WebSocket`, which is open.
 *
 * @param wait takes milliseconds; polled while the other end reads too slowly, as the API has no event for it
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
    const bytes = typeof message === 'string' ? message.length : message.byteLength
    if (bytes > mostMessageBytes) close({ code: 1009, reason: 'The message is too large.' })
    else inbox.put(message)
  })
  socket.addEventListener('close', ({ code, reason }) => inbox.end({ code, reason }))
  socket.addEventListener('error', () => inbox.end({ code: 1006, reason: '' }))
  return {
    next: inbox.next,
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

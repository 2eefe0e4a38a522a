/**
 * The Responses API over WebSocket. It sends one answer at a time, each event as a message.
 *
 * @module
 */

import { invalidRequest } from './json.ts'
import type { Emulation, EmulatorContext } from './world.ts'

/** One end of a WebSocket. */
interface Socket {
  next(): Promise<string | Uint8Array | undefined>
  send(text: string): Promise<void>
}

interface Bindings {
  /** Accepts the socket; absent if the runtime has no WebSocket. */
  readonly upgrade?: (serve: (socket: Socket) => Promise<void>) => Response
}

/**
 * Accepts a WebSocket at `/responses`.
 *
 * @param ask answers a request by POST; each message is sent to it as a request for a stream
 * @param c request to upgrade, with the runtime's `upgrade` in its bindings
 * @throws Refusal 400 on a runtime without WebSockets
 */
export function acceptSocket(ask: Emulation['ask'], c: EmulatorContext): Response {
  const { upgrade } = (c.env ?? {}) as Bindings
  if (upgrade === undefined) throw invalidRequest(400, 'This emulator takes no WebSocket here.')
  const url = new URL(c.req.url)
  const headers = new Headers(c.req.raw.headers)
  headers.delete('upgrade')
  headers.set('content-type', 'application/json')
  return upgrade(async (socket) => {
    for (let text = await socket.next(); text !== undefined; text = await socket.next()) {
      await answerMessage(ask, new Request(url, { headers }), socket, String(text))
    }
  })
}

/** Answers one message by asking for a stream, and sends its events. */
async function answerMessage(
  ask: Emulation['ask'],
  { url, headers }: Request,
  socket: Socket,
  text: string,
): Promise<void> {
  const message = parse(text)
  if (message?.type !== 'response.create') {
    return socket.send(
      errorEvent(400, 'invalid_request_error', 'Expected "type": "response.create".'),
    )
  }
  const { type: _, ...body } = message
  const init = { method: 'POST', headers, body: JSON.stringify({ ...body, stream: true }) }
  const answer = await ask(new Request(url, init))
  const transcript = await answer.text()
  if (!answer.ok) {
    const { error } = JSON.parse(transcript)
    return socket.send(JSON.stringify({ type: 'error', status: answer.status, error }))
  }
  for (const event of transcript.split('\n\n')) {
    const data = event
      .split('\n')
      .find((line) => line.startsWith('data: '))
      ?.slice(6)
    if (data !== undefined && data !== '[DONE]') await socket.send(data)
  }
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function errorEvent(status: number, code: string, message: string): string {
  return JSON.stringify({
    type: 'error',
    status,
    error: { type: code, code, message, param: null },
  })
}

/**
 * The Responses API over WebSocket in tests: in one process, and over real sockets by `ws`.
 */

import { apiKey } from '../../src/azure/credentials.ts'
import { connectWithin, createSocketPair, type Socket } from '../../src/core/http/websocket.ts'
import type { UpstreamOptions } from '../../src/options.ts'
import { codeInterpreter } from './harness.ts'

interface Asker {
  readonly app: Parameters<typeof connectWithin>[0]
}

/** Opens a socket to a gateway in this process. */
export const openSocket = (
  gateway: Asker,
  headers: Record<string, string> = {},
  path = '/openai/v1/responses',
): Promise<Socket> =>
  connectWithin(gateway.app)(new URL(`http://127.0.0.1:8787${path}`), { headers })

/** An event of an answer. */
export interface Event {
  readonly type: string
  readonly response?: { readonly id: string; readonly output: unknown[] }
  readonly error?: { readonly code: string; readonly message: string }
  readonly status?: number
}

/** Matches the type of the last event of an answer. */
export const lastOfAnswer = /^(?:response\.(?:completed|failed|incomplete)|error)$/

/** Sends a message and collects the events of its answer. */
export async function askSocket(socket: Socket, message: object | string): Promise<Event[]> {
  await socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  const events: Event[] = []
  for (;;) {
    const text = await socket.next()
    if (text === undefined) return events
    events.push(JSON.parse(String(text)))
    if (lastOfAnswer.test(events.at(-1)?.type ?? '')) return events
  }
}

/** A message that asks for an answer. */
export const createMessage = (input: string, more: object = {}): object => ({
  type: 'response.create',
  model: 'gpt-4.1',
  input,
  tools: codeInterpreter,
  ...more,
})

/** An upstream whose WebSockets are answered by the test. */
export function openScriptedUpstream(): {
  readonly upstream: UpstreamOptions
  /** The upstream's ends of the sockets, in the order of their opening. */
  readonly ends: Socket[]
} {
  const ends: Socket[] = []
  const upstream = {
    endpoint: 'http://emulator.localhost',
    credential: apiKey('a-secret-key'),
    connect: async () => {
      const [own, other] = createSocketPair()
      ends.push(other)
      return own
    },
  }
  return { upstream, ends }
}

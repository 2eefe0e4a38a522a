/** The environment of a credential or client in tests: a clock, and a scripted `fetch`. */

import type { CredentialRuntime } from '../../src/azure/credentials.ts'
import { untilAborted } from '../../src/core/time.ts'
import type { Clock } from './clock.ts'

export interface Sent {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly body: string
  readonly signal: AbortSignal
}

export type Answer = (sent: Sent) => Response | Promise<Response>

export interface ScriptedRuntime extends CredentialRuntime {
  /** The sent requests, in order. */
  readonly sent: Sent[]
}

export function scriptRuntime(
  clock: Clock,
  answer: Answer,
  more: Partial<CredentialRuntime> = {},
): ScriptedRuntime {
  const sent: Sent[] = []
  return {
    sent,
    now: clock.now,
    wait: clock.wait,
    random: () => 1,
    waitUntil: (work) => void work.catch(() => {}),
    async fetch(input, init) {
      const request = new Request(input, init)
      const { method, url, headers, signal } = request
      const body = await request.text()
      sent.push({ method, url: new URL(url), headers, body, signal })
      return untilAborted(
        Promise.resolve(answer({ method, url: new URL(url), headers, body, signal })),
        signal,
      )
    },
    ...more,
  }
}

export function tokenAnswer(token: string, more: object = { expires_in: 3599 }): Response {
  return Response.json({ token_type: 'Bearer', access_token: token, ...more })
}

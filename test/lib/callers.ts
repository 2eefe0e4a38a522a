/**
 * A gateway with caller auth, and the things that its callers do.
 */

import { webHmac } from '../../src/core/links/keys.ts'
import { ownerKey } from '../../src/gateway/owners/access.ts'
import type { AppOptions } from '../../src/options.ts'
import { createAuthenticate, createKeyRing } from '../../src/routes/callers/callers.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import {
  type CitedFile,
  citedFiles,
  type Harness,
  json,
  openHarness,
  responseRequest,
} from './harness.ts'

/** One caller. */
export interface CallerHarness {
  ask(path: string, init?: RequestInit): Promise<Response>
  /** Creates an answer through the gateway. Returns the last citation, which is the requested file. */
  answer(prompt: string): Promise<Answered>
}

export interface Answered {
  readonly id: string
  readonly body: unknown
  readonly file: CitedFile
}

export interface CallersHarness extends Harness {
  /** The key of an owner. */
  keyOf(owner: 'ann' | 'bob' | 'admin'): string
  as(owner: 'ann' | 'bob' | 'admin'): CallerHarness
  /** Records a thing for an owner, as an answer of the upstream would. */
  give(
    owner: string,
    kind: 'container' | 'file' | 'response' | 'thing',
    id: string,
  ): Promise<unknown>
  /** Gets an answer from the upstream without the gateway. */
  answerDirectly(prompt: string, more?: object): Promise<Answered>
}

/** Shorter than the shortest key of `CFILE_API_KEYS`, for readability. */
const keys = [
  { owner: 'ann', key: 'key-of-ann' },
  { owner: 'bob', key: 'key-of-bob' },
  { owner: '*', key: 'key-of-admin' },
]

export function openCallers(options: Partial<AppOptions> = {}): CallersHarness {
  const ring = createKeyRing(keys, webHmac(new Uint8Array(32)))
  const { store = memoryStore({ now: () => 0 }) } = options
  const authenticate = createAuthenticate({ keys: ring })
  const harness = openHarness({ authenticate, ...options, store })
  return {
    ...harness,
    keyOf: (owner) => `key-of-${owner}`,
    give: async (owner, kind, id) =>
      store.put(`${kind}/${id}/${await ownerKey(owner)}`, { seen_at: 0 }),
    as(owner) {
      const ask = (path: string, init: RequestInit = {}) => {
        const headers = new Headers(init.headers)
        headers.set('authorization', `Bearer key-of-${owner}`)
        return harness.ask(path, { ...init, headers })
      }
      return {
        ask,
        answer: async (prompt) =>
          toAnswered(await ask('/openai/v1/responses', json(responseRequest(prompt)))),
      }
    },
    answerDirectly: async (prompt, more) =>
      toAnswered(await harness.upstream('/responses', json(responseRequest(prompt, more)))),
  }
}

async function toAnswered(answer: Response): Promise<Answered> {
  const body = (await answer.json()) as { id: string }
  const file = citedFiles(body).at(-1)
  if (file === undefined) throw new Error(`nothing was cited: ${JSON.stringify(body)}`)
  return { id: body.id, body, file }
}

/** The body of an error without its request id. */
export async function refusal(response: Response): Promise<{ status: number; error: object }> {
  const { error } = (await response.json()) as { error: { request_id: string } }
  return { status: response.status, error: { ...error, request_id: '' } }
}

/**
 * A gateway before an emulator, both in this process. Most tests use it.
 */

import type { Hono } from 'hono'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { connectWithin } from '../../src/core/http/websocket.ts'
import type { Grant } from '../../src/core/links/grant.ts'
import { readPayload } from '../../src/core/links/spelling.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import type { AppOptions } from '../../src/options.ts'

/** A file that an answer cited, with the upstream's bytes. */
export interface CitedFile {
  readonly container_id: string
  readonly file_id: string
  readonly filename: string
}

export interface Harness {
  readonly app: Hono
  readonly emulator: Hono
  /** Advances the clocks of both, in seconds. */
  advance(seconds: number): void
  /** Sends a request to the gateway. */
  ask(path: string, init?: RequestInit): Promise<Response>
  /** Sends a request to the emulator, below `/openai/v1`. */
  upstream(path: string, init?: RequestInit): Promise<Response>
  /** Makes the next answers of the emulator fail. */
  fault(fault: object): Promise<void>
  /** Requests that reached the upstream since the last call. */
  requests(): Promise<{ method: string; path: string }[]>
  /** Creates an answer through the gateway and returns the files that it cites. */
  respond(prompt: string): Promise<CitedFile[]>
}

export const codeInterpreter = [{ type: 'code_interpreter', container: { type: 'auto' } }]

export function openHarness(options: Partial<AppOptions> = {}): Harness {
  let time = 1_790_000_000
  const now = () => time
  const emulator = createEmulator({ now })
  const app = createApp({
    now,
    publicUrl: 'http://127.0.0.1:8787',
    // Without retries, so that one fault means one failed answer. test/azure tests retries.
    retry: { attempts: 1 },
    // Scales the pauses between the tries of a broken body and of a copy, so that tests do not wait for them.
    random: () => Math.random() / 1000,
    upstreams: [
      {
        endpoint: 'http://emulator.localhost',
        credential: apiKey('a-secret-key'),
        fetch: async (input, init) => emulator.fetch(new Request(input, init)),
        connect: connectWithin(emulator),
      },
    ],
    ...options,
  })
  const ask = async (path: string, init?: RequestInit) => app.request(path, init)
  const control = async (path: string, init?: RequestInit) => emulator.request(path, init)
  return {
    app,
    emulator,
    ask,
    advance(seconds) {
      time += seconds
    },
    upstream: (path, init) => control(`/openai/v1${path}`, init),
    async fault(fault) {
      await control('/emulator/faults', json(fault))
    },
    async requests() {
      const seen = (await (await control('/emulator/requests')).json()) as {
        data: { method: string; path: string }[]
      }
      await control('/emulator/requests', { method: 'DELETE' })
      return seen.data
    },
    async respond(prompt) {
      const answer = await ask('/openai/v1/responses', json(responseRequest(prompt)))
      return citedFiles(await answer.json())
    },
  }
}

/** A request with a JSON body. */
export function json(body: unknown): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
}

export function responseRequest(input: string, more: object = {}): object {
  return { model: 'gpt-4.1', input, tools: codeInterpreter, ...more }
}

/** Finds the citations in an answer independently of the gateway's parser, to test it. */
export function citedFiles(body: unknown): CitedFile[] {
  const found: CitedFile[] = []
  JSON.stringify(body, (_, value) => {
    if (value?.type === 'container_file_citation') found.push(value)
    return value
  })
  return found
}

/** Path and query of a link. */
export function pathOf(link: string): string {
  return link.slice(new URL(link).origin.length)
}

/** The grant in a link; the signature is not checked. */
export function grantIn(link: string): Grant {
  const payload = /\/s\/([\w-]+)\./.exec(link)?.[1] ?? ''
  const grant = readPayload(payload)?.grant
  if (grant === undefined) throw new Error(`no link: ${link}`)
  return grant
}

/** SHA-256 in hex. */
export async function sha256(bytes: ArrayBuffer): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes)
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The `code` of an error body. */
export async function errorCode(response: Response): Promise<string> {
  const { error } = (await response.json()) as { error: { code: string } }
  return error.code
}

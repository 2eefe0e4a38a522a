/**
 * A gateway before an emulator, both in this process: what most tests talk to.
 */

import type { Hono } from 'hono'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import type { Grant } from '../../src/core/links/grant.ts'
import { readPayload } from '../../src/core/links/spelling.ts'
import { connectWithin } from '../../src/core/sockets/socket.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import type { AppOptions } from '../../src/options.ts'

/** A file that an answer cited, and the bytes that the upstream holds. */
export interface CitedFile {
  readonly container_id: string
  readonly file_id: string
  readonly filename: string
}

export interface Harness {
  readonly app: Hono
  readonly emulator: Hono
  /** Moves the clock of both, in seconds. */
  advance(seconds: number): void
  /** Asks the gateway. */
  ask(path: string, init?: RequestInit): Promise<Response>
  /** Asks the emulator's resource directly, below `/openai/v1`. */
  upstream(path: string, init?: RequestInit): Promise<Response>
  /** Makes the emulator's next answers fail. */
  fault(fault: object): Promise<void>
  /** What reached the upstream since the last call. */
  requests(): Promise<{ method: string; path: string }[]>
  /** Lets the model answer through the gateway, and lists the files that it cites. */
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
    // One fault is one answer here; test/azure has what comes of asking again.
    retry: { attempts: 1 },
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

/** The citations in an answer, found the plain way: this is what the gateway's own reader is held against. */
export function citedFiles(body: unknown): CitedFile[] {
  const found: CitedFile[] = []
  JSON.stringify(body, (_, value) => {
    if (value?.type === 'container_file_citation') found.push(value)
    return value
  })
  return found
}

/** The path of a link, as a client on this machine asks for it. */
export function pathOf(link: string): string {
  return link.slice(new URL(link).origin.length)
}

/** What a link says that it grants; its signature is not looked at. */
export function grantIn(link: string): Grant {
  const payload = /\/s\/([\w-]+)\./.exec(link)?.[1] ?? ''
  const grant = readPayload(payload)?.grant
  if (grant === undefined) throw new Error(`no link: ${link}`)
  return grant
}

/** The SHA-256 of some bytes, in hex. */
export async function sha256(bytes: ArrayBuffer): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes)
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The code in an error's body. */
export async function errorCode(response: Response): Promise<string> {
  const { error } = (await response.json()) as { error: { code: string } }
  return error.code
}

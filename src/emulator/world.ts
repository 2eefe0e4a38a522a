/**
 * The content of an emulated resource or project. Each has its own world, and its objects are unknown in another.
 *
 * @module
 */

import type { Context } from 'hono'
import type { Content } from './content.ts'
import type { LogEntry } from './control.ts'
import type { Fault } from './faults.ts'
import type { Json } from './json.ts'
import type { MemoryLimit, NetworkPolicy, ResponseObject } from './shapes.ts'

/** A container file. */
export interface StoredFile {
  readonly id: string
  readonly created_at: number
  readonly container_id: string
  readonly path: string
  readonly source: 'user' | 'assistant'
  readonly content: Content
  /** The size in the file's row. */
  readonly bytes: number | null
}

/** A container. Times are unix seconds. */
export interface Container {
  readonly id: string
  readonly name: string
  readonly created_at: number
  readonly minutes: number
  readonly memory_limit: MemoryLimit
  readonly network_policy: NetworkPolicy
  last_active_at: number
  readonly files: Map<string, StoredFile>
}

/** A file of the Files API. */
export interface Upload {
  readonly id: string
  readonly created_at: number
  readonly filename: string
  readonly purpose: string
  readonly content: Content
}

/** A stored response. */
export interface StoredResponse {
  readonly id: string
  /** The finished response, including outputs. */
  readonly finished: ResponseObject
  readonly input: readonly InputItem[]
  readonly containerId?: string
  readonly streamed: boolean
  /** Whether its stream contains an error event before it fails. */
  readonly sendsError: boolean
  /** How often a background response was polled. */
  polls: number
  cancelled: boolean
}

/** An item of an input or a conversation, as sent, with an id. */
export type InputItem = Json & { readonly id: string }

/** A conversation, and the container that its turns share. */
export interface Conversation {
  readonly id: string
  readonly created_at: number
  metadata: unknown
  items: InputItem[]
  containerId?: string
}

/** A URL that gets an event when a response ends. */
export interface WebhookEndpoint {
  readonly id: string
  readonly created_at: number
  readonly name: string
  readonly url: string
  readonly event_types: readonly string[]
  /** Base64, without `whsec_`. */
  readonly secret: string
}

/** The content of one resource or project. */
export interface World {
  /** Whether it is a Foundry project, which needs another token audience. */
  readonly isProject: boolean
  readonly containers: Map<string, Container>
  readonly uploads: Map<string, Upload>
  readonly responses: Map<string, StoredResponse>
  readonly conversations: Map<string, Conversation>
  readonly webhooks: Map<string, WebhookEndpoint>
}

/**
 * Creates an empty world.
 *
 * @param isProject whether it is a Foundry project instead of a resource
 */
export function createWorld(isProject: boolean): World {
  return {
    isProject,
    containers: new Map(),
    uploads: new Map(),
    responses: new Map(),
    conversations: new Map(),
    webhooks: new Map(),
  }
}

/** State and settings common to all worlds of one emulator. */
export interface Emulation {
  /** Answers a request as the emulator does. */
  readonly ask: (request: Request) => Promise<Response>
  /** Sends webhooks. */
  readonly fetch: typeof fetch
  /** The current time in unix seconds. */
  readonly now: () => number
  readonly ids: Ids
  /** Waits for milliseconds. Throws when the signal fires. */
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly deltaDelayMs: number
  readonly models?: readonly string[]
}

/** The route's variables for its request. */
export interface EmulatorEnv {
  Variables: { world: World; entry: LogEntry; fault: Fault }
}

/** The context of a request. */
export type EmulatorContext = Context<EmulatorEnv>

/** Returns the given number of random bytes. */
type Random = (bytes: number) => Uint8Array

/** Creates ids. `time` is in unix seconds. */
interface Ids {
  hex(digits: number): string
  uuid(): string
  /** `cntr_` with 48 digits, `cfile_` with 32. The first 8 digits are the time. */
  timed(prefix: string, digits: number, time: number): string
  /** `resp_`, `msg_`, `ci_` and others with 50 digits: 16 shared by all ids of an answer, `00`, the time, 24 more. */
  ofAnswer(prefix: string, shared: string, time: number): string
  /** `assistant-` with 22 letters and digits, as in the Files API. */
  upload(): string
}

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/**
 * Creates ids from random bytes.
 *
 * @param random number of bytes to random bytes; tests pass a fixed sequence
 */
export function createIds(random: Random): Ids {
  const hex = (digits: number): string =>
    Array.from(random(Math.ceil(digits / 2)), (byte) => byte.toString(16).padStart(2, '0'))
      .join('')
      .slice(0, digits)
  const timed = (digits: number, time: number): string =>
    time.toString(16).padStart(8, '0') + hex(digits - 8)
  return {
    hex,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`,
    timed: (prefix, digits, time) => `${prefix}_${timed(digits, time)}`,
    ofAnswer: (prefix, shared, time) => `${prefix}_${shared}00${timed(32, time)}`,
    upload: () =>
      `assistant-${Array.from(random(22), (byte) => alphabet[byte % alphabet.length]).join('')}`,
  }
}

/**
 * What an emulated resource or project holds. Each is a world of its own: what was made in one is unknown in the other.
 *
 * @module
 */

import type { Context } from 'hono'
import type { Content } from './content.ts'
import type { Fault } from './faults.ts'
import type { Ids } from './ids.ts'
import type { Json } from './json.ts'
import type { LogEntry } from './log.ts'
import type { MemoryLimit, NetworkPolicy, ResponseObject } from './shapes.ts'

/** A file of a container. */
export interface StoredFile {
  readonly id: string
  readonly created_at: number
  readonly container_id: string
  readonly path: string
  readonly source: 'user' | 'assistant'
  readonly content: Content
  /** What the row says of its size. */
  readonly bytes: number | null
}

/** A container; times are unix seconds. */
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

/** A response that can be asked for again. */
export interface StoredResponse {
  readonly id: string
  /** As it will be in the end, outputs included. */
  readonly finished: ResponseObject
  readonly input: readonly InputItem[]
  readonly containerId?: string
  readonly streamed: boolean
  /** Whether its stream has an error event before it fails. */
  readonly sendsError: boolean
  /** How often a background response was asked for. */
  polls: number
  cancelled: boolean
}

/** An item of an input or a conversation, as it came, with an id. */
export type InputItem = Json & { readonly id: string }

/** A conversation, and the container that its turns share. */
export interface Conversation {
  readonly id: string
  readonly created_at: number
  metadata: unknown
  items: InputItem[]
  containerId?: string
}

/** A URL that is told when responses end. */
export interface WebhookEndpoint {
  readonly id: string
  readonly created_at: number
  readonly name: string
  readonly url: string
  readonly event_types: readonly string[]
  /** Base64, without the `whsec_` before it. */
  readonly secret: string
}

/** All that lives in one resource or project. */
export interface World {
  /** Whether it is a Foundry project, which wants other tokens. */
  readonly isProject: boolean
  readonly containers: Map<string, Container>
  readonly uploads: Map<string, Upload>
  readonly responses: Map<string, StoredResponse>
  readonly conversations: Map<string, Conversation>
  readonly webhooks: Map<string, WebhookEndpoint>
}

/** A world without anything in it. */
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

/** What all worlds of one emulator share. */
export interface Emulation {
  /** Answers a request as the emulator itself. */
  readonly ask: (request: Request) => Promise<Response>
  /** By which webhooks are sent. */
  readonly fetch: typeof fetch
  /** Unix seconds. */
  readonly now: () => number
  readonly ids: Ids
  /** Takes that many milliseconds; throws when the signal is aborted. */
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly deltaDelayMs: number
  readonly models?: readonly string[]
}

/** What a route knows of its request. */
export interface EmulatorEnv {
  Variables: { world: World; entry: LogEntry; fault: Fault }
}

/** A request on its way through the routes. */
export type EmulatorContext = Context<EmulatorEnv>

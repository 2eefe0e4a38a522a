/**
 * The `Gateway`: upstreams, store, settings and runtime, which every gateway function gets as its first argument.
 *
 * @module
 */

import type { AzureClient } from '../azure/client.ts'
import type { ContainerFile } from '../azure/operations.ts'
import type { Carrier } from '../core/bytes/carrier.ts'
import type { SocketEnd } from '../core/http/websocket.ts'
import type { Signer } from '../core/links/signer.ts'
import type { Wait } from '../core/time.ts'
import type { Archiving } from './archive/state.ts'
import type { Balance } from './balance.ts'
import type { Limits } from './limits.ts'
import type { GuardedStore } from './owners/guarded-store.ts'
import type { UpstreamObservation } from './upstreams/observe-upstream.ts'

/** One Azure resource or project. A container exists only in the upstream that made it. */
export interface Upstream {
  /** Unique among the upstreams; stored in records and links. */
  readonly name: string
  readonly client: AzureClient
  /** Models that it serves. Absent: all models. */
  readonly models?: readonly string[]
  /** Share of the balanced requests, relative to the weights of the other upstreams. */
  readonly weight: number
  /** Whether it is the built-in emulator. */
  readonly isEmulator: boolean
}

/** The caller of a request. Records are stored under `key`, which does not reveal the owner's name. */
export interface Caller {
  readonly owner: string
  /** 1 to 64 characters of `A-Z a-z 0-9 _ -`. */
  readonly key: string
  /** Whether the caller may read the things of all owners and erase owners. */
  readonly admin: boolean
}

/** The only owner without caller auth. */
export const anyone: Caller = { owner: '', key: 'anyone', admin: false }

/** Settings of webhooks. */
export interface Webhooks {
  /** Decoded secrets (the base64 after `whsec_`). A signature by any of them is valid. */
  readonly secrets: readonly Uint8Array<ArrayBuffer>[]
  /** With caller auth: owner of responses without a record. Absent: such responses are ignored. */
  readonly owner?: string
  /** `dueAt`: unix second of the next attempt for responses that could not be captured. */
  readonly state: { dueAt: number }
}

/** Severity of a log line. */
type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Writes one log line. Fields must not contain secrets. */
export interface Log {
  (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void
  /** Whether lines of a level are written; callers skip building lines that are not. @default all are written */
  readonly writes?: (level: LogLevel) => boolean
}

/** The parts of the runtime that gateway functions need. */
export interface GatewayRuntime {
  /** Unix seconds. */
  readonly now: () => number
  /** Milliseconds of a monotonic clock, for durations. */
  readonly clock: () => number
  readonly wait: Wait
  /** From 0 to 1, for jitter only. */
  readonly random: () => number
  /** Makes a text that nothing outside of this process can guess. */
  readonly newToken: () => string
  /** Keeps the instance running until background work has ended. The caller handles its failures. */
  readonly waitUntil: (work: Promise<unknown>) => void
  /** Moves bytes from the upstream to the client. */
  readonly carrier: Carrier
}

/** Rules for owners. */
interface Ownership {
  /** Whether caller auth is on. If not, every caller is {@link anyone}. */
  readonly knowsCallers: boolean
  /** Rejects with `not_ready` while callers cannot be identified. @default always ready */
  readonly ready?: () => Promise<unknown>
  /** Which posts to `/captures` are accepted. */
  readonly captures: 'any' | 'response_id'
  /** Whether a thing without an owner belongs to the first caller who names it. */
  readonly trustUnrecorded: boolean
  /** Keys of owners by their names, which saves a hash for each request. */
  readonly keys: Map<string, string>
  /** Requests and downloads that one owner may make. */
  readonly limits: Limits
}

/** Settings of signed links. */
export interface LinkSettings {
  readonly signer: Signer
  /** Lifetime in seconds. */
  readonly ttl: number
  /** Base of every link, without a trailing slash. It never comes from a request. */
  readonly publicUrl: string
  /** How the files of a passing answer get links. */
  readonly mode: 'off' | 'annotate' | 'rewrite'
  /** Whether `data:` pictures in an answer become links. */
  readonly inlineImages: 'keep' | 'link'
}

/** The files of a container, read a moment ago. */
interface CachedListing {
  readonly upstream: Upstream
  readonly files: readonly ContainerFile[]
  /** Unix second at which the entry expires. */
  readonly until: number
}

/** Settings and state of containers. */
interface ContainerSettings {
  /** Whether files that no answer cites are recorded too. */
  readonly recordsUncited: boolean
  /** Whether a request whose container has expired is sent once more with a new one. */
  readonly heal: boolean
  /** Recently read lists of files, by container id. */
  readonly listings: Map<string, CachedListing>
  /** `dueAt`: unix second of the next search for new containers that were never completed. */
  readonly replacing: { dueAt: number }
}

/** Bounds of sizes in bytes, and of waits in milliseconds. */
interface Bounds {
  readonly maxFileBytes: number
  /** The largest JSON body that is read. */
  readonly maxBodyBytes: number
  /** To the headers of a generated answer. */
  readonly generationTimeoutMs: number
  /** Between two pieces of a file. */
  readonly idleTimeoutMs: number
  /** Between two pieces of an event stream. */
  readonly streamIdleTimeoutMs: number
}

/** The WebSockets of this instance. */
interface Sockets {
  readonly open: Set<{ end(why: SocketEnd): void }>
  /** Whether the instance is shutting down. */
  readonly isClosing: () => boolean
  /** Origins whose pages may open a socket, besides the gateway's own; `*`: all. */
  readonly origins: readonly string[]
}

/** Everything that the gateway functions need, grouped by concern. */
export interface Gateway {
  /** The first is the default. */
  readonly upstreams: readonly [Upstream, ...Upstream[]]
  /** Load and health of the upstreams. */
  readonly balance: Balance
  readonly store: GuardedStore
  /** Absent: no copies are kept. */
  readonly archiving?: Archiving
  /** Absent: `POST /webhooks` is not served. */
  readonly webhooks?: Webhooks
  readonly log: Log
  readonly observed: UpstreamObservation
  readonly runtime: GatewayRuntime
  readonly owners: Ownership
  readonly links: LinkSettings
  readonly containers: ContainerSettings
  readonly bounds: Bounds
  readonly sockets: Sockets
}

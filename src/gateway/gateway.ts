/**
 * What every verb of the gateway is given: the upstreams, the store, the clock, the log.
 *
 * @module
 */

import type { AzureClient } from '../azure/client.ts'
import type { Carrier } from '../core/bytes/carrier.ts'
import type { Signer } from '../core/links/signer.ts'
import type { SocketEnd } from '../core/sockets/socket.ts'
import type { Wait } from '../core/time.ts'
import type { Archiving } from './archive/state.ts'
import type { Balance } from './balance.ts'
import type { Limits } from './limits.ts'
import type { GuardedStore } from './owners/guarded-store.ts'
import type { UpstreamObservation } from './upstreams/observe-upstream.ts'

/** One Azure resource or project; a container lives only in the one that made it. */
export interface Upstream {
  /** Unique among the upstreams; records and links carry it. */
  readonly name: string
  readonly client: AzureClient
  /** The models that it serves; absent: any. */
  readonly models?: readonly string[]
  /** Its share of the requests that name nothing, against that of others. */
  readonly weight: number
  /** Whether it is the built-in emulator. */
  readonly isEmulator: boolean
}

/** Who asks. Records are kept under `key`, which says nothing about the owner's name. */
export interface Caller {
  readonly owner: string
  /** 1 to 64 of `A-Z a-z 0-9 _ -`. */
  readonly key: string
  /** Reads everything, and may erase an owner. */
  readonly admin: boolean
}

/** The one owner there is where callers are not told apart. */
export const anyone: Caller = { owner: '', key: 'anyone', admin: false }

/** Settings of webhooks. */
export interface Webhooks {
  /** The bytes behind `whsec_`, decoded; any of them may sign. */
  readonly secrets: readonly Uint8Array<ArrayBuffer>[]
  /** With caller auth: the owner of a response that nobody recorded. Absent: such a response is left alone. */
  readonly owner?: string
  /** `dueAt`: unix second from which responses that could not be captured are tried again. */
  readonly state: { dueAt: number }
}

/** How much a line of the log matters. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Writes one line of the log; fields hold no secret. */
export interface Log {
  (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void
  /** Whether lines of a level are written, so that nobody makes one in vain. @default all are */
  readonly writes?: (level: LogLevel) => boolean
}

/** What the runtime gives to every gateway function. */
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
  /** Keeps the instance alive for work that no answer waits for. The caller handles its failures. */
  readonly waitUntil: (work: Promise<unknown>) => void
  /** Moves bytes from the upstream to the client. */
  readonly carrier: Carrier
}

/** How callers are told apart, and what each owner may do. */
export interface Ownership {
  /** Whether callers are told apart. If not, every caller is {@link anyone}. */
  readonly knowsCallers: boolean
  /** Which posts to `/captures` are accepted. */
  readonly captures: 'any' | 'response_id'
  /** Whether a thing that nobody owns belongs to the first caller who names it. */
  readonly trustUnrecorded: boolean
  /** Requests and downloads that one owner may make. */
  readonly limits: Limits
}

/** How links are made, and where they are added. */
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

/** What happens to containers beyond the answer that cites them. */
export interface ContainerSettings {
  /** Whether files that no answer cites are recorded too. */
  readonly sweep: boolean
  /** Whether a request whose container is gone is sent once more with a new one. */
  readonly heal: boolean
  /** `dueAt`: unix second of the next search for new containers that were never handed out. */
  readonly replacing: { dueAt: number }
}

/** Bounds of sizes in bytes, and of waits in milliseconds. */
export interface Bounds {
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
export interface Sockets {
  readonly open: Set<{ end(why: SocketEnd): void }>
  /** Whether the instance is shutting down. */
  readonly isClosing: () => boolean
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

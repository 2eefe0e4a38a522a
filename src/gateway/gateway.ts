/**
 * What every verb of the gateway is given: the upstreams, the store, the clock, the log.
 *
 * @module
 */

import type { AzureClient } from '../azure/client.ts'
import type { Carrier } from '../core/bytes/carrier.ts'
import type { Signer } from '../core/links/signer.ts'
import type { Metrics } from '../core/metrics.ts'
import type { RequestTraces } from '../core/observe/request-traces.ts'
import type { SocketEnd } from '../core/sockets/socket.ts'
import type { Wait } from '../core/time.ts'
import type { Archiving } from './archive/state.ts'
import type { Balance } from './balance.ts'
import type { Limits } from './limits.ts'
import type { GuardedStore } from './owners/guarded-store.ts'

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

/** The hall's gift to the verbs; the first upstream is the default. */
export interface Gateway {
  readonly upstreams: readonly [Upstream, ...Upstream[]]
  /** How busy and how well they are. */
  readonly balance: Balance
  readonly store: GuardedStore
  /** Absent: no copies are kept. */
  readonly archiving?: Archiving
  /** Absent: no webhooks are taken. */
  readonly webhooks?: Webhooks
  /** Unix seconds. */
  readonly now: () => number
  /** Milliseconds of a clock that never goes back, to measure durations. */
  readonly clock: () => number
  readonly wait: Wait
  /** From 0 to 1, for jitter only. */
  readonly random: () => number
  /** A text that nothing outside of this process can guess. */
  readonly newToken: () => string
  /** Keeps the instance alive for work that no answer waits for; whoever starts it sees to its failures. */
  readonly waitUntil: (work: Promise<unknown>) => void
  readonly log: Log
  readonly metrics: Metrics
  /** Which traces the requests under way belong to. */
  readonly traces: RequestTraces
  /** Whether callers are told apart; if not, {@link anyone} is all of them. */
  readonly knowsCallers: boolean
  /** What posted captures count for. */
  readonly captures: 'any' | 'response_id'
  /** Whether what nobody owns belongs to the first who names it. */
  readonly trustUnrecorded: boolean
  /** What one owner may take. */
  readonly limits: Limits
  readonly signer: Signer
  /** Seconds that a link lives. */
  readonly linkTtl: number
  /** Base of every link, without a slash at its end; never taken from a request. */
  readonly publicUrl: string
  /** What happens to the files of an answer that passes. */
  readonly links: 'off' | 'annotate' | 'rewrite'
  /** Whether each answer's container is listed, and what was not cited recorded. */
  readonly sweep: boolean
  /** Whether a request whose container is gone is sent once more with a new one. */
  readonly heal: boolean
  /** `dueAt`: unix second from which containers that were begun and not handed out are looked for. */
  readonly replacing: { dueAt: number }
  readonly inlineImages: 'keep' | 'link'
  /** The WebSockets that are open; each is told when the instance shuts down. */
  readonly sockets: Set<{ end(why: SocketEnd): void }>
  /** Whether the instance is on its way out. */
  readonly isClosing: () => boolean
  /** The largest file that is served, in bytes. */
  readonly maxFileBytes: number
  /** The largest JSON body that is read, in bytes. */
  readonly maxBodyBytes: number
  /** Milliseconds to the headers of an answer that is generated. */
  readonly generationTimeoutMs: number
  /** Milliseconds between two bytes of a file. */
  readonly idleTimeoutMs: number
  /** Milliseconds between two bytes of a stream of events. */
  readonly streamIdleTimeoutMs: number
  /** How bytes get from one side to the other. */
  readonly carrier: Carrier
}

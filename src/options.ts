/**
 * What the app is told, in code: the options of `createApp`.
 *
 * @module
 */

import type { Archive } from './archives/archive.ts'
import type { Credential } from './azure/credentials.ts'
import type { Endpoint } from './azure/endpoint.ts'
import type { RetryLimits } from './azure/retry.ts'
import type { SigningKey } from './core/links/keys.ts'
import type { Connect } from './core/sockets/socket.ts'
import type { Log } from './gateway/gateway.ts'
import type { Authenticate } from './routes/callers.ts'
import type { Runtime } from './runtime.ts'
import type { Store } from './stores/store.ts'

/** One Azure resource or project. */
export interface UpstreamOptions {
  /** Unique; records carry it. @default 'default' */
  readonly name?: string
  /** As text in any form that people paste, or parsed with `parseEndpoint`. */
  readonly endpoint: string | Endpoint
  readonly credential: Credential
  /** The models that it serves. @default any */
  readonly models?: readonly string[]
  /** Its share of the requests that name nothing, against that of others. @default 1 */
  readonly weight?: number
  /** Only for this upstream; the emulator comes in through it. */
  readonly fetch?: typeof fetch
  /** Whether it is the built-in emulator, for the log. @default false */
  readonly isEmulator?: boolean
  /** As `fetch`, for WebSockets. */
  readonly connect?: Connect
}

/** Work that is due now and then, whether or not anybody asks for a file. */
export interface Upkeep {
  /** Whether there is anything to do between requests; if not, only `stop` has to be called. */
  readonly isNeeded: boolean
  /** Tries the archive, so that the log says at the start what is wrong with it. Never throws. */
  check(): Promise<void>
  /** Takes up copies and webhooks that were interrupted and removes leftovers: to be called every 15 seconds or so. Never throws. */
  sweep(): Promise<void>
  /** Leaves the copies under way to the next process, and resolves when it may take them over. */
  stop(): Promise<void>
}

/** Options of `createApp`. */
export interface AppOptions extends Partial<Runtime> {
  /** At least one; the first is the default. */
  readonly upstreams: readonly UpstreamOptions[]
  /** @default a memory store of this app's own */
  readonly store?: Store
  /** Where copies of files are kept. @default nowhere */
  readonly archive?: Archive
  /** `eager`: a file is copied when it is cited; `lazy`: on its first download. @default 'eager' */
  readonly archiveMode?: 'eager' | 'lazy'
  /** Copies at a time. @default 4 */
  readonly archiveConcurrency?: number
  /** Seconds that a copy is kept; 0: for ever. @default 0 */
  readonly archiveTtl?: number
  /** Is given what has to be done for the archive beside requests; without it, they alone set it off. */
  readonly schedule?: (upkeep: Upkeep) => void
  /** Finds out who is calling. @default callers are not told apart */
  readonly authenticate?: Authenticate
  /** What posted captures count for. @default 'any' */
  readonly captures?: 'any' | 'response_id'
  /** Whether what nobody owns belongs to the first who names it. @default false */
  readonly trustUnrecorded?: boolean
  /**
   * Takes Azure's webhooks at `/webhooks`: the secrets as they were shown (`whsec_…`), and with caller auth the owner of
   * responses that nobody recorded. @default `/webhooks` is not served
   */
  readonly webhooks?: { readonly secrets: readonly string[]; readonly owner?: string }
  /** Origins whose pages may ask and read answers, such as `https://app.example`, or `*`. @default none */
  readonly corsOrigins?: readonly string[]
  /** The first signs links, all check them. @default one that is made anew with the app */
  readonly signingKeys?: readonly SigningKey[]
  /** Base of every link. @default 'http://127.0.0.1:8787' */
  readonly publicUrl?: string
  /** Of one owner, each instance counting for itself; above it 429, as with the next two. @default any number */
  readonly maxRequestsPerMinute?: number
  /** Of one owner, at a time. @default any number */
  readonly maxDownloads?: number
  /** Of one owner. @default any number */
  readonly maxDownloadBytesPerHour?: number
  /** Whether who takes nothing for the idle time loses the download; so with any limit on downloads. @default false */
  readonly cutSlowReaders?: boolean
  /** Seconds that a link lives. @default 3600 */
  readonly linkTtl?: number
  /** What happens to the files of an answer that passes. @default 'annotate' */
  readonly links?: 'off' | 'annotate' | 'rewrite'
  /** Whether each answer's container is listed, and what was not cited recorded. @default false */
  readonly sweep?: boolean
  /** Whether a request that Azure refuses because its container is gone is sent once more with a new one. @default false */
  readonly heal?: boolean
  /** Whether `data:` pictures become links where it is certain which file they are. @default 'keep' */
  readonly inlineImages?: 'keep' | 'link'
  /** @default silence */
  readonly log?: Log
  /** Whether each request has a line in the log. @default true */
  readonly accessLog?: boolean
  /** Sent with every answer. */
  readonly headers?: Readonly<Record<string, string>>
  /** Says that the process is about to end, for `/readyz`. @default never */
  readonly isClosing?: () => boolean
  /** The largest file that is served, in bytes. @default 1 GiB */
  readonly maxFileBytes?: number
  /** The largest JSON body that is read, in bytes. @default 64 MiB */
  readonly maxBodyBytes?: number
  /** Milliseconds to the upstream's headers: of files and metadata. @default 60000 */
  readonly upstreamTimeoutMs?: number
  /** Milliseconds to the upstream's headers: of every other request of an SDK. @default 600000 */
  readonly generationTimeoutMs?: number
  /** How long and how often a GET or HEAD that fails upstream is sent again. @default 6 times in 20 seconds */
  readonly retry?: Partial<RetryLimits>
  /** Milliseconds between two bytes of a file. @default 60000 */
  readonly idleTimeoutMs?: number
  /** Milliseconds between two bytes of a stream of events, which is silent while code runs. @default 600000 */
  readonly streamIdleTimeoutMs?: number
}

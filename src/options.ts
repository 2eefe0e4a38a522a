/**
 * Options of `createApp`.
 *
 * @module
 */

import type { Archive } from './archives/archive.ts'
import type { Credential } from './azure/credentials.ts'
import type { Endpoint } from './azure/endpoint.ts'
import type { RetryLimits } from './azure/retry.ts'
import type { Connect } from './core/http/websocket.ts'
import type { SigningKey } from './core/links/keys.ts'
import type { Log } from './gateway/gateway.ts'
import type { Authenticate } from './routes/callers/callers.ts'
import type { Runtime } from './runtime.ts'
import type { Store } from './stores/store.ts'

/** One Azure resource or project. */
export interface UpstreamOptions {
  /** Unique name; stored in records. @default 'default' */
  readonly name?: string
  /** URL of the resource or project in any common form, or the result of `parseEndpoint`. */
  readonly endpoint: string | Endpoint
  readonly credential: Credential
  /** Models that it serves. @default all */
  readonly models?: readonly string[]
  /** Share of the balanced requests, relative to the weights of the other upstreams. @default 1 */
  readonly weight?: number
  /** `fetch` for this upstream only; the emulator uses it. */
  readonly fetch?: typeof fetch
  /** Whether it is the built-in emulator, for log, metrics and pages. @default false */
  readonly isEmulator?: boolean
  /** Opens WebSockets for this upstream only. */
  readonly connect?: Connect
}

/** Background work that the host runs between requests. */
export interface Upkeep {
  /** Whether there can be work. If not, call only `stop`. */
  readonly isNeeded: boolean
  /** Checks the archive, so that its problems are logged at the start. Never throws. */
  check(): Promise<void>
  /** Resumes interrupted copies and webhooks and removes leftovers. Call it about every 15 seconds. Never throws. */
  run(): Promise<void>
  /** Aborts the copies under way. Resolves when another process can resume them. */
  stop(): Promise<void>
}

/** Options of `createApp`. */
export interface AppOptions extends Partial<Runtime> {
  /** At least one. The first is the default. */
  readonly upstreams: readonly UpstreamOptions[]
  /** Where records are kept. @default a new memory store */
  readonly store?: Store
  /** Where copies of files are kept. @default no copies */
  readonly archive?: Archive
  /** `eager`: a file is copied when it is cited; `lazy`: on its first download. @default 'eager' */
  readonly archiveMode?: 'eager' | 'lazy'
  /** Concurrent copies. @default 4 */
  readonly archiveConcurrency?: number
  /** Lifetime of a copy in seconds; 0: unlimited. @default 0 */
  readonly archiveTtl?: number
  /** Receives the background work. @default requests trigger it */
  readonly schedule?: (upkeep: Upkeep) => void
  /** Identifies callers. @default no caller auth */
  readonly authenticate?: Authenticate
  /** Which posts to `/captures` are accepted. @default 'any' */
  readonly captures?: 'any' | 'response_id'
  /** Whether an object without an owner belongs to the first caller who names it. @default false */
  readonly trustUnrecorded?: boolean
  /**
   * Serves Azure's webhooks at `/webhooks`. `secrets`: as Azure shows them (`whsec_…`). `owner`: with caller auth, the
   * owner of responses without a record. @default `/webhooks` is not served
   */
  readonly webhooks?: { readonly secrets: readonly string[]; readonly owner?: string }
  /** Origins whose pages may call the gateway, such as `https://app.example`, or `*`. @default none */
  readonly corsOrigins?: readonly string[]
  /** The first signs links; all verify them. @default a new random key */
  readonly signingKeys?: readonly SigningKey[]
  /** Base of every link. @default 'http://127.0.0.1:8787' */
  readonly publicUrl?: string
  /** Limit for one owner in each instance; more requests get 429. @default no limit */
  readonly maxRequestsPerMinute?: number
  /** Limit of concurrent downloads for one owner in each instance; more get 429. @default no limit */
  readonly maxDownloads?: number
  /** Limit of downloaded bytes for one owner in each instance; further downloads get 429. @default no limit */
  readonly maxDownloadBytesPerHour?: number
  /** Lifetime of a link in seconds. @default 3600 */
  readonly linkTtl?: number
  /** How the files of a passing answer get links. @default 'annotate' */
  readonly links?: 'off' | 'annotate' | 'rewrite'
  /** Whether uncited files in the containers of an answer are recorded too. @default false */
  readonly sweep?: boolean
  /** Whether a request that Azure refuses because its container has expired is repeated with a new one. @default false */
  readonly heal?: boolean
  /** Whether `data:` pictures become links when their file is certain. @default 'keep' */
  readonly inlineImages?: 'keep' | 'link'
  /** Writes the log. @default nothing is logged */
  readonly log?: Log
  /** Whether each request is logged. @default true */
  readonly accessLog?: boolean
  /** Headers of every answer. */
  readonly headers?: Readonly<Record<string, string>>
  /** Whether the process is shutting down; `/readyz` then answers 503. @default never */
  readonly isClosing?: () => boolean
  /** Largest file that is served, in bytes. @default 1 GiB */
  readonly maxFileBytes?: number
  /** Largest JSON body that is read, in bytes. @default 64 MiB */
  readonly maxBodyBytes?: number
  /** Milliseconds until the upstream's headers, for files and metadata. @default 60000 */
  readonly upstreamTimeoutMs?: number
  /** Milliseconds until the upstream's headers, for all other requests. @default 600000 */
  readonly generationTimeoutMs?: number
  /** Limits of retries for a GET or HEAD that fails upstream. @default 6 retries in 20 seconds */
  readonly retry?: Partial<RetryLimits>
  /** Longest pause in the body of a file, and of a client that takes it, in milliseconds. @default 60000 */
  readonly idleTimeoutMs?: number
  /** Longest pause in a stream of events, in milliseconds. Streams pause while code runs. @default 600000 */
  readonly streamIdleTimeoutMs?: number
}

/**
 * Types and helpers for opening the store and the archive that the settings name.
 *
 * @module
 */

import type { Archive, CreateSha256 } from '../archives/archive.ts'
import { CfileError } from '../core/errors.ts'
import type { Wait } from '../core/time.ts'
import type { Log } from '../gateway/gateway.ts'
import { webRuntime } from '../runtime.ts'
import type { Store } from '../stores/store.ts'
import type { Settings } from './settings/settings.ts'

/** The settings of the store and the archive. */
export type StorageSettings = Pick<
  Settings,
  'store' | 'archive' | 'identity' | 'dataDir' | 'upstreams'
>

/** An opened store and archive. */
export interface Storage {
  readonly store: Store
  /** Absent if no copies are kept. */
  readonly archive?: Archive
  /** Closes files and sockets. */
  close(): Promise<void>
}

/** Functions of the runtime for stores and archives. */
export interface StorageTools {
  readonly fetch: typeof fetch
  readonly wait: Wait
  /** Unix seconds. */
  readonly now: () => number
  readonly log: Log
  readonly createSha256: CreateSha256
  /** Returns a unique text of letters, digits and `-`. */
  readonly newName: () => string
  /** Reads a text file; absent on runtimes without files. */
  readonly readFile?: (path: string) => Promise<string>
}

/**
 * Creates the tools from the web runtime.
 *
 * @param log of the process
 * @param createSha256 hash of the runtime
 */
export function storageTools(log: Log, createSha256: CreateSha256): StorageTools {
  const { fetch, wait, now } = webRuntime
  return { fetch, wait, now, log, createSha256, newName: () => crypto.randomUUID() }
}

/**
 * Creates the error for a store or archive that this runtime cannot open.
 *
 * @param param name of the setting
 * @param kind scheme of its value
 * @param takes accepted values, for the message
 */
export function notOnThisRuntime(param: string, kind: string, takes: string): CfileError {
  return new CfileError(
    'invalid_request',
    `${param} is ${kind}:, which this runtime does not have; use ${takes}.`,
    { param },
  )
}

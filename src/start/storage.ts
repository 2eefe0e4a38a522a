/**
 * What the doors open by the settings: where ids are remembered and where copies are kept.
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

/** The parts of the settings that say what to open. */
export type StorageSettings = Pick<
  Settings,
  'store' | 'archive' | 'identity' | 'dataDir' | 'upstreams'
>

/** What was opened. */
export interface Storage {
  readonly store: Store
  /** Absent if no copies are kept. */
  readonly archive?: Archive
  /** Closes what holds a file or a socket. */
  close(): Promise<void>
}

/** What a runtime gives to stores and archives. */
export interface StorageTools {
  readonly fetch: typeof fetch
  readonly wait: Wait
  /** Unix seconds. */
  readonly now: () => number
  readonly log: Log
  readonly createSha256: CreateSha256
  /** A text that was never used before, of letters, digits and `-`. */
  readonly newName: () => string
  /** A text file, where there are files. */
  readonly readFile?: (path: string) => Promise<string>
}

/** Gathers what stores and archives need of a runtime. */
export function storageTools(log: Log, createSha256: CreateSha256): StorageTools {
  const { fetch, wait, now } = webRuntime
  return { fetch, wait, now, log, createSha256, newName: () => crypto.randomUUID() }
}

/**
 * A store or archive that this runtime can't open.
 *
 * @param param name of the setting
 * @param takes accepted values, for the message
 */
export function notHere(param: string, kind: string, takes: string): CfileError {
  return new CfileError(
    'invalid_request',
    `${param} is ${kind}:, which there is not on this runtime; take ${takes}.`,
    { param },
  )
}

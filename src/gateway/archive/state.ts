/**
 * State of the archive in one instance: recent failures, queued copies and copies under way.
 *
 * @module
 */

import type { Archive } from '../../archives/archive.ts'
import type { Json } from '../../stores/store.ts'

/** Settings of the archive. */
interface ArchivePolicy {
  readonly archive: Archive
  readonly mode: 'eager' | 'lazy'
  /** Concurrent copies. */
  readonly concurrency: number
  /** Lifetime of a copy in seconds; 0: unlimited. */
  readonly ttl: number
}

/** A file to copy. */
export interface WantedCopy {
  /** Key of the owner. */
  readonly owner: string
  readonly file_id: string
  readonly container_id?: string
  readonly upstream?: string
  /** `filename` of the citation. */
  readonly filename?: string
}

/** A pending copy, as the store keeps it. */
export interface PendingCopy extends WantedCopy {
  /** Unix second at which it became pending. */
  readonly noted_at: number
  readonly tries: number
  /** Unix second of the next attempt. */
  readonly next_at: number
}

/** The mutable state of one instance. */
interface ArchiveState {
  /** Directions whose last operation failed. */
  readonly failing: Set<'read' | 'write'>
  /** Whether a write to the archive has ever succeeded. */
  isProven: boolean
  /** Unix second of the next trial write. */
  trialAt: number
  /** Queued copies by their keys in the store. */
  readonly waiting: Map<string, PendingCopy>
  /** Ids of files that are being copied, each with the unix second at which its lease was last renewed. */
  readonly running: Map<string, number>
  /** The copies under way. The shutdown waits for them. */
  readonly copies: Set<Promise<void>>
  /** Aborts the copies under way. */
  readonly stopping: AbortController
  /** Starts queued copies. Set when the gateway is created, since it needs the whole gateway. */
  start: () => void
  /** Unix seconds of the next upkeep and the next removal of leftovers. */
  upkeepAt: number
  leftoversAt: number
  /** The last note of an instance that handed over its copies. */
  handover: Json | undefined
}

/** Settings and state of the archive. */
export interface Archiving extends ArchivePolicy {
  readonly state: ArchiveState
}

/**
 * Whether the lifetime of a copy is over.
 *
 * @param storedAt unix second at which the copy was made
 * @param now unix seconds
 */
export function isExpired(
  { ttl }: Pick<ArchivePolicy, 'ttl'>,
  storedAt: number,
  now: number,
): boolean {
  return ttl > 0 && storedAt + ttl <= now
}

/** Wraps an archive so that expired copies are not found, although upkeep removes them later. */
function hideExpired({ archive, ...policy }: ArchivePolicy, now: () => number): Archive {
  return {
    async get(key, options) {
      const copy = await archive.get(key, options)
      return copy && isExpired(policy, copy.storedAt, now()) ? undefined : copy
    },
    put: (...given) => archive.put(...given),
    delete: (...given) => archive.delete(...given),
    list: (...given) => archive.list(...given),
    removeLeftovers: (...given) => archive.removeLeftovers(...given),
  }
}

/** Creates the state of the archive, with nothing under way. @param now unix seconds */
export function startArchiving(policy: ArchivePolicy, now: () => number): Archiving {
  const state = {
    failing: new Set<'read' | 'write'>(),
    isProven: false,
    trialAt: 0,
    waiting: new Map<string, PendingCopy>(),
    running: new Map<string, number>(),
    copies: new Set<Promise<void>>(),
    stopping: new AbortController(),
    start() {},
    upkeepAt: 0,
    leftoversAt: 0,
    handover: undefined,
  }
  return { ...policy, archive: hideExpired(policy, now), state }
}

/**
 * What one instance knows of its archive: whether it answers, which copies are under way and which wait.
 *
 * @module
 */

import type { Archive } from '../../archives/archive.ts'

/** Where copies are kept, and how they come there. */
export interface ArchivePolicy {
  readonly archive: Archive
  readonly mode: 'eager' | 'lazy'
  /** Copies at a time. */
  readonly concurrency: number
  /** Seconds that a copy is kept; 0: for ever. */
  readonly ttl: number
}

/** A file of which a copy is wanted. */
export interface WantedCopy {
  /** The owner's key. */
  readonly owner: string
  readonly file_id: string
  readonly container_id?: string
  readonly upstream?: string
  /** The annotation's name. */
  readonly filename?: string
}

/** A file that has to be copied. */
export interface PendingCopy extends WantedCopy {
  /** Unix second. */
  readonly noted_at: number
  readonly tries: number
  /** Unix second before which it is not tried again. */
  readonly next_at: number
}

/** What changes while the instance runs. */
export interface ArchiveState {
  /** The last failure of reading and of writing; gone after the next success. */
  readonly failing: Set<'read' | 'write'>
  /** Whether anything was ever written to it. */
  isProven: boolean
  /** Unix second before which no write is tried again for its own sake. */
  trialAt: number
  /** Copies that wait for their turn, by their keys in the store. */
  readonly waiting: Map<string, PendingCopy>
  /** The ids of files that are being copied, and the unix second of the last sign of life. */
  readonly running: Map<string, number>
  /** The copies under way, for whoever has to wait for their end. */
  readonly flights: Set<Promise<void>>
  /** Ends them. */
  readonly stopping: AbortController
  /** Starts copies that wait; set by the hall, since that takes the whole gateway. */
  start: () => void
  /** Unix seconds at which the next sweep, and the next look for leftovers, are due. */
  sweepAt: number
  tidyAt: number
}

/** A policy and what became of it. */
export interface Archiving extends ArchivePolicy {
  readonly state: ArchiveState
}

/** Whether a copy was kept for as long as copies are. */
export function isExpired(
  { ttl }: Pick<ArchivePolicy, 'ttl'>,
  storedAt: number,
  now: number,
): boolean {
  return ttl > 0 && storedAt + ttl <= now
}

/** The same archive, which finds no copy whose time is over, though that is removed only when the archive is tidied. */
function hideExpired({ archive, ...policy }: ArchivePolicy, now: () => number): Archive {
  return {
    async get(key, options) {
      const copy = await archive.get(key, options)
      return copy && isExpired(policy, copy.storedAt, now()) ? undefined : copy
    },
    put: (...given) => archive.put(...given),
    delete: (...given) => archive.delete(...given),
    list: (...given) => archive.list(...given),
    sweep: (...given) => archive.sweep(...given),
  }
}

/** Begins with nothing under way. */
export function startArchiving(policy: ArchivePolicy, now: () => number): Archiving {
  const state = {
    failing: new Set<'read' | 'write'>(),
    isProven: false,
    trialAt: 0,
    waiting: new Map<string, PendingCopy>(),
    running: new Map<string, number>(),
    flights: new Set<Promise<void>>(),
    stopping: new AbortController(),
    start() {},
    sweepAt: 0,
    tidyAt: 0,
  }
  return { ...policy, archive: hideExpired(policy, now), state }
}

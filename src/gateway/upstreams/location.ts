/**
 * Where a file is: its container, and the upstreams that may have it.
 *
 * @module
 */

import type { Caller, Gateway, Upstream } from '../gateway.ts'
import type { FileRecord } from '../owners/records.ts'

/** Where a file is, or may be. */
export interface FileLocation {
  readonly fileId: string
  /** Absent for a file of the Files API. */
  readonly containerId?: string
  /** One where it is known, else all that may have it, in the order in which to ask. */
  readonly upstreams: readonly Upstream[]
  /** The name to show, where a link or a record says it. */
  readonly filename?: string
  /** The file's record; absent where there is none, and where none was looked up. */
  readonly record?: FileRecord
  /**
   * Whose record and copy these are, and for whom new ones are written. Absent where an admin asks for a file that nobody
   * owns: a look at it must not make it the admin's.
   */
  readonly holder?: Caller
  /** Whether the file or its container was recorded for the caller. */
  readonly recorded: boolean
}

/** The upstream of that name; all of them where the name is unknown or no longer configured. */
export function upstreamsNamed(gateway: Gateway, name: string | undefined): readonly Upstream[] {
  const named = gateway.upstreams.filter((upstream) => upstream.name === name)
  return named.length > 0 ? named : gateway.upstreams
}

/**
 * The location of a file, and the search for a thing in the upstreams that may have it.
 *
 * @module
 */

import type { AzureClient } from '../../azure/client.ts'
import { isCfileError } from '../../core/errors.ts'
import type { Caller, Gateway, Upstream } from '../gateway.ts'
import type { FileRecord } from '../owners/records.ts'

/** The location of a file. */
export interface FileLocation {
  readonly fileId: string
  /** Absent for a file of the Files API. */
  readonly containerId?: string
  /** The upstream if it is known, else all that may have the file, in the order in which to ask them. */
  readonly upstreams: readonly Upstream[]
  /** The name to show, if a link or a record says it. */
  readonly filename?: string
  /** The file's record, if it was looked up and exists. */
  readonly record?: FileRecord
  /**
   * Owner of the record and of the copy, also of new ones. Absent if an admin requests a file without an owner, so that
   * the admin does not become its owner.
   */
  readonly holder?: Caller
  /** Whether a record or a signed link says that the file or its container existed. */
  readonly isRecorded: boolean
}

/**
 * Returns the upstream with a name; all upstreams if the name is unknown or no longer configured.
 *
 * @param name name in a record or a link
 * @returns at least one upstream
 */
export function upstreamsNamed(gateway: Gateway, name: string | undefined): readonly Upstream[] {
  const named = gateway.upstreams.filter((upstream) => upstream.name === name)
  return named.length > 0 ? named : gateway.upstreams
}

/**
 * Asks one upstream after another until one has the thing.
 *
 * @param upstreams in the order in which they are asked
 * @param ask throws a CfileError with status 404 where the thing is missing; any other error ends the search
 * @throws the first upstream's error if none has it
 */
export async function askInTurn<T>(
  upstreams: readonly Upstream[],
  ask: (client: AzureClient, upstream: Upstream) => Promise<T>,
): Promise<{ upstream: Upstream; found: T }> {
  let refusal: unknown
  for (const upstream of upstreams) {
    try {
      return { upstream, found: await ask(upstream.client, upstream) }
    } catch (error) {
      if (!isMissing(error)) throw error
      refusal ??= error
    }
  }
  throw refusal
}

/** Whether an error says that this upstream does not have the thing. */
function isMissing(error: unknown): boolean {
  return isCfileError(error) && error.status === 404
}

/**
 * Asks several upstreams in turn.
 *
 * @module
 */

import type { AzureClient } from '../../azure/client.ts'
import { isCfileError } from '../../core/errors.ts'
import type { Upstream } from '../gateway.ts'

/**
 * Asks one upstream after another until one has the thing.
 *
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

function isMissing(error: unknown): boolean {
  return isCfileError(error) && error.status === 404
}

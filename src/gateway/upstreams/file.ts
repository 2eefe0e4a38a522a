/**
 * The calls to the upstream that one file needs, for both of the APIs that files live in.
 *
 * @module
 */

import type { AzureClient } from '../../azure/client.ts'
import { isCfileError } from '../../core/errors.ts'
import type { FileLocation } from '../files/locate.ts'
import type { Upstream } from '../gateway.ts'

/** What the upstream's metadata tells of a file. */
export interface FileFacts {
  /** The last part of the path, or the Files API's name. */
  readonly name?: string
  /** `undefined` where the upstream says `null`. */
  readonly bytes?: number
  /** Unix seconds. */
  readonly createdAt?: number
  /** Azure's own id of the request that told. */
  readonly requestId?: string
}

/** The bytes of a file, unread; those of a range, where the upstream honours that header. */
export function openContent(
  client: AzureClient,
  { containerId, fileId }: FileLocation,
  signal: AbortSignal,
  range?: string,
): Promise<Response> {
  return containerId === undefined
    ? client.getFileContent(fileId, { signal, range })
    : client.getContainerFileContent(containerId, fileId, { signal, range })
}

/** The metadata of a file. */
export async function readFacts(
  client: AzureClient,
  { containerId, fileId }: FileLocation,
  signal: AbortSignal,
): Promise<FileFacts> {
  let requestId: string | undefined
  const onHeaders = (headers: Headers): void => {
    requestId = requestIdOf(headers)
  }
  if (containerId === undefined) {
    const file = await client.getFile(fileId, { signal, onHeaders })
    return { name: file.filename, bytes: file.bytes ?? undefined, requestId }
  }
  const file = await client.getContainerFile(containerId, fileId, { signal, onHeaders })
  return {
    name: file.path.split('/').at(-1),
    bytes: file.bytes ?? undefined,
    createdAt: file.created_at,
    requestId,
  }
}

/** By which Azure's support finds a request. */
export function requestIdOf(headers: Headers): string | undefined {
  return headers.get('apim-request-id') ?? undefined
}

/**
 * Asks one upstream after another until one has the thing.
 *
 * @throws whatever the first of them said, where none has it
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

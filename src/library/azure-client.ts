/**
 * Creates clients for upstreams, for the gateway and for apps without one.
 *
 * @module
 */

import { type AzureClient, createClient } from '../azure/client.ts'
import type { Credential } from '../azure/credentials.ts'
import { type Endpoint, parseEndpoint } from '../azure/endpoint.ts'
import type { RetryLimits } from '../azure/retry.ts'
import { type Runtime, webRuntime } from '../runtime.ts'

/** Options of {@link createAzureClient}. By default network, clock and timers are those of the runtime. */
interface ClientOptions extends Partial<Runtime> {
  /** A URL in any form that users paste, or a result of `parseEndpoint`. */
  readonly endpoint: string | Endpoint
  readonly credential: Credential
  /** Time limit until the headers of an answer, in milliseconds. @default 60000 */
  readonly timeoutMs?: number
  /** Time limit between two chunks of a JSON answer, in milliseconds. @default 60000 */
  readonly idleMs?: number
  /** Limits for retries of GET and HEAD. @default 6 attempts in 20 seconds */
  readonly retry?: Partial<RetryLimits>
}

/**
 * Creates a client for one resource or project. Sends nothing before its first use.
 *
 * @param options endpoint, credential, and limits
 * @throws CfileError `invalid_request` for a malformed endpoint
 *
 * @example
 * const azure = createAzureClient({ endpoint: 'https://my.openai.azure.com', credential: apiKey(key) })
 * const { body } = await azure.getContainerFileContent(containerId, fileId)
 */
export function createAzureClient({ endpoint, ...options }: ClientOptions): AzureClient {
  return createClient({
    ...webRuntime,
    ...options,
    endpoint: typeof endpoint === 'string' ? parseEndpoint(endpoint) : endpoint,
  })
}

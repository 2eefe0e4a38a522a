/**
 * A client of the upstream for those who need no gateway, and for the gateway itself.
 *
 * @module
 */

import { type AzureClient, createClient } from '../azure/client.ts'
import type { Credential } from '../azure/credentials.ts'
import { type Endpoint, parseEndpoint } from '../azure/endpoint.ts'
import type { RetryLimits } from '../azure/retry.ts'
import { type Runtime, webRuntime } from '../runtime.ts'

/** Options of {@link createAzureClient}; network, clock and timers are the runtime's own unless they are given. */
export interface ClientOptions extends Partial<Runtime> {
  /** As text in any form that people paste, or parsed with `parseEndpoint`. */
  readonly endpoint: string | Endpoint
  readonly credential: Credential
  /** Milliseconds to the headers of an answer. @default 60000 */
  readonly timeoutMs?: number
  /** Milliseconds that an answer of JSON may fall silent. @default 60000 */
  readonly idleMs?: number
  /** How long and how often a GET or HEAD that fails is sent again. @default 6 times in 20 seconds */
  readonly retry?: Partial<RetryLimits>
}

/**
 * Makes a client of one resource or project; nothing is sent before it is used.
 *
 * @example
 * const azure = createAzureClient({ endpoint: 'https://my.openai.azure.com', credential: apiKey(key) })
 * const { body } = await azure.getContainerFileContent(containerId, fileId)
 * @throws CfileError `invalid_request` for an endpoint that is none
 */
export function createAzureClient({ endpoint, ...options }: ClientOptions): AzureClient {
  return createClient({
    ...webRuntime,
    ...options,
    endpoint: typeof endpoint === 'string' ? parseEndpoint(endpoint) : endpoint,
  })
}

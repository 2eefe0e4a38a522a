/**
 * Opens WebSockets to the upstream.
 *
 * @module
 */

import { CfileError, HandshakeRefused } from '../core/errors.ts'
import type { Connect, Socket } from '../core/http/websocket.ts'
import { startDeadline } from '../core/time.ts'
import {
  type Credential,
  type CredentialRuntime,
  type Scopes,
  sendSignedTwice,
} from './credentials.ts'
import type { Endpoint } from './endpoint.ts'
import {
  type AzureRequest,
  asFailure,
  asRefusal,
  type ObserveRequest,
  signedHeaders,
  urlOf,
} from './request.ts'

/** A request for a WebSocket. */
export type SocketRequest = Pick<AzureRequest, 'path' | 'query' | 'headers' | 'signal'>

/** Options of {@link connectSigned}. */
interface ConnectOptions extends CredentialRuntime {
  readonly endpoint: Endpoint
  readonly credential: Credential
  readonly scopes: Scopes
  readonly connect?: Connect
  readonly timeoutMs?: number
  readonly observe?: ObserveRequest
  readonly onRetry?: () => void
}

/**
 * Opens a WebSocket. A handshake refused with 401 is repeated like a request.
 *
 * @param options endpoint, credential, socket of the runtime, limits and observers
 * @param wanted path, query and headers; the credential is added
 * @throws CfileError `upstream_error` (unreachable, refused), `upstream_timeout`, `upstream_auth`, `invalid_request`
 *   if the runtime opens no WebSockets
 */
export async function connectSigned(
  options: ConnectOptions,
  wanted: SocketRequest,
): Promise<Socket> {
  const { endpoint, connect, credential, scopes, observe, onRetry } = options
  const { wait, timeoutMs = 60_000 } = options
  if (connect === undefined) {
    throw new CfileError('invalid_request', 'This runtime cannot open a WebSocket to the upstream.')
  }
  const deadline = startDeadline(wait, timeoutMs, wanted.signal)
  const { signal } = deadline
  const { fetch, now, random, waitUntil, readFile } = options
  const runtime = { fetch, now, wait, random, waitUntil, readFile, signal }
  try {
    const opened = await sendSignedTwice<Socket | HandshakeRefused>(
      { credential, scopes, runtime },
      {
        canRepeat: true,
        isRefused: (result) => result instanceof HandshakeRefused && result.status === 401,
        discard: () => onRetry?.(),
        async send(authorization) {
          const headers = signedHeaders(wanted.headers, authorization)
          const end = observe?.({ method: 'GET', signal: wanted.signal }, headers)
          try {
            const socket = await connect(urlOf(endpoint, wanted), { headers, signal })
            end?.(101)
            return socket
          } catch (error) {
            const refusal = error instanceof HandshakeRefused ? error : undefined
            end?.(refusal?.status)
            if (refusal !== undefined) return refusal
            throw error
          }
        },
      },
    )
    if (opened instanceof HandshakeRefused) throw opened
    return opened
  } catch (error) {
    wanted.signal?.throwIfAborted()
    throw asRefusal(error) ?? asFailure(error, deadline.isOver())
  } finally {
    deadline.clear()
  }
}

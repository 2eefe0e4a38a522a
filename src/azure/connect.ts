/**
 * Opens WebSockets to the upstream.
 *
 * @module
 */

import { CfileError, HandshakeRefused } from '../core/errors.ts'
import type { Connect, Socket } from '../core/http/websocket.ts'
import { startDeadline } from '../core/time.ts'
import { type Credential, type Means, type Scopes, sendSignedTwice } from './credentials.ts'
import { type AzureRequest, asFailure, asRefusal, type ObserveRequest } from './request.ts'

/** A request for a WebSocket. */
export type SocketRequest = Pick<AzureRequest, 'path' | 'query' | 'headers' | 'signal'>

/** The parts of a client that open a WebSocket. */
interface Connecting extends Means {
  readonly credential: Credential
  readonly scopes: Scopes
  readonly connect?: Connect
  readonly timeoutMs?: number
  readonly observe?: ObserveRequest
  readonly onRetry?: () => void
}

/** Functions of the client that build a request. */
interface Building {
  urlOf(wanted: SocketRequest): URL
  signedHeaders(
    headers: AzureRequest['headers'],
    authorization: { readonly name: string; readonly value: string },
  ): Record<string, string>
}

/**
 * Opens a WebSocket. A handshake refused with 401 is repeated like a request.
 *
 * @param options endpoint's credential, socket of the runtime, limits and observers
 * @param wanted path, query and headers; the credential is added
 * @param building the client's functions, so that a handshake passes the same checks as a request
 * @throws CfileError `upstream_error` (unreachable, refused), `upstream_timeout`, `upstream_auth`, `invalid_request`
 *   if the runtime opens no WebSockets
 */
export async function connectSigned(
  options: Connecting,
  wanted: SocketRequest,
  { urlOf, signedHeaders }: Building,
): Promise<Socket> {
  const { connect, credential, scopes, wait, timeoutMs = 60_000, observe, onRetry } = options
  if (connect === undefined) {
    throw new CfileError('invalid_request', 'This runtime cannot open a WebSocket to the upstream.')
  }
  const deadline = startDeadline(wait, timeoutMs, wanted.signal)
  const { signal } = deadline
  const { fetch, now, random, waitUntil, readFile } = options
  const means = { fetch, now, wait, random, waitUntil, readFile, signal }
  try {
    const opened = await sendSignedTwice<Socket | HandshakeRefused>(
      { credential, scopes, means },
      {
        canRepeat: true,
        isRefused: (result) => result instanceof HandshakeRefused && result.status === 401,
        discard: () => onRetry?.(),
        async send(authorization) {
          const headers = signedHeaders(wanted.headers, authorization)
          const end = observe?.({ method: 'GET', signal: wanted.signal }, headers)
          try {
            const socket = await connect(urlOf(wanted), { headers, signal })
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

/**
 * The one place where requests leave for the upstream: credential, guard, time limit, no redirects.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import { startDeadline, type Wait } from '../core/wait.ts'
import type { Credential } from './credentials.ts'
import { type Endpoint, isAtEndpoint, rootUrl, upstreamUrl } from './endpoint.ts'
import { type Operations, operations } from './operations.ts'
import type { AzureRequest, Send } from './request.ts'

/** Options of {@link createAzureClient}. */
export interface AzureClientOptions {
  readonly endpoint: Endpoint
  readonly credential: Credential
  readonly fetch: typeof fetch
  readonly wait: Wait
  /** Milliseconds to the headers of an answer. @default 60000 */
  readonly timeoutMs?: number
}

/** A client of one resource or project. */
export interface AzureClient extends Operations {
  readonly endpoint: Endpoint
  /**
   * Sends a request; resolves with the answer whatever its status.
   *
   * @throws CfileError `upstream_error` (unreachable), `upstream_timeout`, `upstream_invalid` (a redirect), and the
   * signal's own reason where the caller gave up
   */
  readonly request: Send
}

/** Makes a client; nothing is sent before it is used. */
export function createAzureClient(options: AzureClientOptions): AzureClient {
  const request = (wanted: AzureRequest) => send(options, wanted)
  return { endpoint: options.endpoint, request, ...operations(options.endpoint, request) }
}

async function send(options: AzureClientOptions, wanted: AzureRequest): Promise<Response> {
  const { endpoint, credential, wait, timeoutMs = 60_000 } = options
  // Not a method call: workerd refuses fetch on any other `this`.
  const { fetch } = options
  const deadline = startDeadline(wait, wanted.timeoutMs ?? timeoutMs, wanted.signal)
  const { signal } = deadline
  try {
    const { name, value } = await credential.authorize(endpoint.scope, { signal })
    const answer = await fetch(urlOf(endpoint, wanted), {
      method: wanted.method,
      headers: signedHeaders(wanted.headers, name, value),
      body: wanted.body,
      signal,
      // A key must not follow a redirect: fetch drops Authorization on the way to another origin, but not api-key.
      redirect: 'manual',
      ...(wanted.body instanceof ReadableStream ? { duplex: 'half' } : {}),
    })
    if (isRedirect(answer)) {
      await answer.body?.cancel()
      throw redirected(answer)
    }
    return answer
  } catch (error) {
    wanted.signal?.throwIfAborted()
    throw asFailure(error, deadline.isOver())
  } finally {
    deadline.clear()
  }
}

function urlOf(endpoint: Endpoint, { path, query, below = 'v1' }: AzureRequest): URL {
  const url = (below === 'v1' ? upstreamUrl : rootUrl)(endpoint, path, query)
  if (isAtEndpoint(endpoint, url)) return url
  throw new CfileError('invalid_request', 'The path is not one of the API.')
}

const ofTheCredential = ['authorization', 'api-key', 'cookie', 'proxy-authorization', 'host']

/** The credential comes last, so that nothing can take its place. */
function signedHeaders(headers: HeadersInit | undefined, name: string, value: string): Headers {
  const signed = new Headers(headers)
  for (const other of ofTheCredential) signed.delete(other)
  // A coded body has another length than the one that is announced, and no ranges.
  signed.set('accept-encoding', 'identity')
  signed.set(name, value)
  return signed
}

function isRedirect({ type, status }: Response): boolean {
  return (
    type === 'opaqueredirect' || status === 0 || (status >= 300 && status < 400 && status !== 304)
  )
}

function redirected({ status }: Response): CfileError {
  return new CfileError(
    'upstream_invalid',
    'The upstream answered with a redirect, which was not followed.',
    {
      hint: 'AZURE_OPENAI_ENDPOINT must be the resource itself, not something that forwards to it.',
      upstream: { status, code: null, request_id: null },
    },
  )
}

function asFailure(error: unknown, isLate: boolean): unknown {
  if (error instanceof CfileError) return error
  if (isLate) {
    return new CfileError('upstream_timeout', 'The upstream did not answer in time.', {
      hint: 'CFILE_UPSTREAM_TIMEOUT_MS and CFILE_GENERATION_TIMEOUT_MS set how long it may take.',
      cause: error,
    })
  }
  return new CfileError('upstream_error', 'The upstream could not be reached.', {
    hint: 'Check AZURE_OPENAI_ENDPOINT, and that this machine may connect to it: name resolution, firewall, private endpoint.',
    cause: error,
  })
}

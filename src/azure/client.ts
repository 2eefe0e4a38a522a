/**
 * Sends requests to the upstream. This is the only place that adds the credential, sets time limits and refuses
 * redirects. `connect.ts` gets its headers from here.
 *
 * @module
 */

import { brokenOff } from '../core/bytes/failures.ts'
import { passBody } from '../core/bytes/limit.ts'
import { decodeAnswer } from '../core/http/content-coding.ts'
import { isEventStreamType } from '../core/http/content-type.ts'
import type { Connect, Socket } from '../core/http/websocket.ts'
import { type Deadline, startDeadline } from '../core/time.ts'
import { connectSigned, type SocketRequest } from './connect.ts'
import {
  type Authorization,
  type Credential,
  type CredentialRuntime,
  type Scopes,
  sendSignedTwice,
} from './credentials.ts'
import type { Endpoint } from './endpoint.ts'
import { type Operations, operations } from './operations.ts'
import {
  type AzureRequest,
  asFailure,
  codedPart,
  followUpload,
  type ObserveRequest,
  redirected,
  type Send,
  signedHeaders,
  urlOf,
} from './request.ts'
import { createRetryBudget, type RetryLimits, retryLimits, withRetries } from './retry.ts'

/** Options of {@link createClient}. */
interface AzureClientOptions extends CredentialRuntime {
  readonly endpoint: Endpoint
  readonly credential: Credential
  /**
   * Time limit until the headers of an answer, in milliseconds, including token requests and retries. For an upload it
   * counts from the last bytes sent. @default 60000
   */
  readonly timeoutMs?: number
  /** Time limit between two chunks of a JSON answer or an upload, in milliseconds. @default 60000 */
  readonly idleMs?: number
  /** Whether uploads are monitored. Not on Workers, where bytes should not pass through JavaScript. @default true */
  readonly followsUploads?: boolean
  /** Limits for retries of GET and HEAD. */
  readonly retry?: Partial<RetryLimits>
  /** Whether `fetch` has already decoded these content codings although the answer still names them. */
  readonly fetchUndoes?: (codings: string) => boolean
  /** Opens WebSockets. @default none */
  readonly connect?: Connect
  /** Called before each request. @default nothing is called */
  readonly observe?: ObserveRequest
  /** Called before each retry. */
  readonly onRetry?: () => void
}

/** A client for one resource or project. */
export interface AzureClient extends Operations {
  readonly endpoint: Endpoint
  /**
   * Sends a request and resolves with the answer, for any status.
   *
   * @throws CfileError `upstream_error` (unreachable), `upstream_timeout`, `upstream_invalid` (a redirect); the
   *   signal's reason if the caller cancelled
   */
  readonly request: Send
  /**
   * Opens a WebSocket at a path of the API.
   *
   * @throws CfileError `upstream_error` (unreachable, refused), `upstream_timeout`, `upstream_auth`
   */
  readonly connect: (wanted: SocketRequest) => Promise<Socket>
}

/**
 * Creates a client. Sends nothing before its first use.
 *
 * @param options endpoint, credential, network and limits of one upstream
 */
export function createClient(options: AzureClientOptions): AzureClient {
  const { endpoint, now, wait, random, timeoutMs = 60_000, retry, onRetry } = options
  const limits = { ...retryLimits, ...retry }
  const budget = createRetryBudget(now)
  const scopes: Scopes = { current: endpoint.scope, untried: endpoint.otherScope }
  const signing = { ...options, scopes }
  const request: Send = async (wanted) => {
    const { method, patienceMs = limits.totalMs } = wanted
    const ownMs = wanted.timeoutMs ?? timeoutMs
    // One limit for all waiting: for tokens, for answers and between attempts.
    const deadline = startDeadline(wait, ownMs, wanted.signal)
    const attempt = (leftMs?: number) => send(signing, wanted, deadline, leftMs)
    try {
      if (wanted.repeat === false || !/^(?:GET|HEAD)$/.test(method)) return await attempt()
      const within = { ...limits, totalMs: Math.min(limits.totalMs, ownMs) }
      const signal = deadline.end
      const options = { limits: within, budget, patienceMs, now, wait, random, signal, onRetry }
      return await withRetries(attempt, options)
    } catch (error) {
      wanted.signal?.throwIfAborted()
      throw asFailure(error, deadline.isOver())
    } finally {
      deadline.clear()
    }
  }
  const connect: AzureClient['connect'] = (wanted) => connectSigned(signing, wanted)
  return { endpoint, request, connect, ...operations(endpoint, request) }
}

/**
 * Sends a request once.
 *
 * @param overall limit for all attempts together
 * @param leftMs a shorter limit for this attempt, in milliseconds
 */
async function send(
  options: AzureClientOptions & { readonly scopes: Scopes },
  wanted: AzureRequest,
  overall: Deadline,
  leftMs?: number,
): Promise<Response> {
  const deadline =
    leftMs === undefined ? overall : startDeadline(options.wait, leftMs, overall.signal)
  const upload = followUpload(options, wanted, deadline)
  try {
    const sent = upload.body === wanted.body ? wanted : { ...wanted, body: upload.body }
    return limitIdleTime(options, wanted, await sendSigned(options, sent, deadline))
  } catch (error) {
    wanted.signal?.throwIfAborted()
    throw upload.failure() ?? asFailure(error, deadline.isOver() || overall.isOver())
  } finally {
    if (deadline !== overall) deadline.clear()
  }
}

/**
 * Limits the time between two chunks of an answer's body. File contents and event streams are excluded, because the code
 * that delivers them limits it.
 */
function limitIdleTime(
  { wait, idleMs: shortest = 60_000 }: AzureClientOptions,
  { path, timeoutMs = 0 }: AzureRequest,
  answer: Response,
): Response {
  const { ok, headers } = answer
  if ((ok && (path.endsWith('/content') || isEventStreamType(headers))) || answer.body === null)
    return answer
  // A slow upstream, such as a model, may need as long between two chunks as until its headers.
  const idleMs = Math.max(shortest, timeoutMs)
  return new Response(passBody(answer.body, { wait, idleMs, explain: brokenOff }), answer)
}

/**
 * Sends a signed request, and once more after a 401 if its body can be repeated.
 *
 * @param deadline ends the waiting for tokens and for the answer
 */
function sendSigned(
  options: AzureClientOptions & { readonly scopes: Scopes },
  wanted: AzureRequest,
  deadline: Deadline,
): Promise<Response> {
  const { credential, fetch, now, wait, random, waitUntil, readFile, scopes, onRetry } = options
  const runtime = {
    fetch,
    now,
    wait,
    random,
    waitUntil,
    readFile,
    // A getter, because a key needs no signal, and creating one costs time.
    get signal() {
      return deadline.signal
    },
  }
  return sendSignedTwice<Response>(
    { credential, scopes, runtime },
    {
      canRepeat: !(wanted.body instanceof ReadableStream),
      isRefused: ({ status }) => status === 401,
      async discard({ body }) {
        await body?.cancel()
        onRetry?.()
      },
      send: (authorization) => sendOnce(options, wanted, authorization, deadline),
    },
  )
}

/**
 * Sends a signed request. If the answer is a part of a coded body, the whole file is requested instead.
 *
 * @throws CfileError `upstream_invalid` for a redirect, and for a part that was not requested
 */
async function sendOnce(
  // The function must be called without a receiver: workerd refuses `fetch` on any other `this`.
  options: AzureClientOptions,
  wanted: AzureRequest,
  authorization: Authorization,
  deadline: Deadline,
): Promise<Response> {
  const { endpoint, fetch, fetchUndoes, observe } = options
  const { method, body } = wanted
  const headers = signedHeaders(wanted.headers, authorization)
  const end = observe?.(wanted, headers)
  const init = {
    method,
    headers,
    body,
    // Node's own transport uses this signal, which costs less than an AbortSignal.
    end: deadline.end,
    get signal() {
      return deadline.signal
    },
    // A key must not follow a redirect: fetch drops Authorization for another origin, but not api-key.
    redirect: 'manual',
    duplex: body instanceof ReadableStream ? 'half' : undefined,
  } as const
  let status: number | undefined
  let answer: Response
  try {
    answer = await fetch(urlOf(endpoint, wanted), init)
    status = answer.status
  } finally {
    end?.(status)
  }
  const isPart = answer.status === 206 && answer.headers.has('content-encoding')
  if (!isRedirect(answer) && !isPart) return decodeAnswer(answer, { fetchUndoes })
  await answer.body?.cancel()
  if (!isPart || headers.range === undefined) throw (isPart ? codedPart : redirected)(answer)
  // The answer is a part of the coded body, not of the file. The whole file can be decoded, so it is requested.
  const { range, 'if-range': condition, ...others } = headers
  return sendOnce(options, { ...wanted, headers: others }, authorization, deadline)
}

/** Whether an answer is a redirect. Browsers and some runtimes hide its status. */
function isRedirect({ type, status }: Response): boolean {
  return (
    type === 'opaqueredirect' || status === 0 || (status >= 300 && status < 400 && status !== 304)
  )
}

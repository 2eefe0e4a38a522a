/**
 * Forwards a request of the OpenAI API to the upstream that holds the things it names, and records what the answer
 * contains before the client gets it. The steps, each in its own file:
 *
 * 1. `request`: parse the request, check its names (`own-names`, `sent-body`, `input-file`) and find
 *    its upstreams (`route`).
 * 2. `route`: send it to these upstreams until one gives a final answer.
 * 3. `heal`: send it once more with a new container when its container has expired.
 * 4. `answer`: record what the answer contains, and add links to its files (`answers/`).
 *
 * Lists of several callers' things are filtered instead (`answers/own-list`).
 *
 * @module
 */

import { brokenOff } from '../../core/bytes/failures.ts'
import { passBody } from '../../core/bytes/limit.ts'
import { peekBody } from '../../core/http/body.ts'
import { contentSecurityPolicy } from '../../core/http/content-type.ts'
import { requestHeaders, responseHeaders } from '../../core/http/proxied-headers.ts'
import { originOf, previousTurn } from '../capture/capture.ts'
import { setServedFrom } from '../exchange.ts'
import { fileCacheControl } from '../files/headers.ts'
import type { Caller, Gateway, Upstream } from '../gateway.ts'
import { eraseDeleted, isEventStream, recordAnswer, recordNames, type Unread } from './answer.ts'
import { passContent } from './answers/content.ts'
import { resumptionOf } from './answers/links.ts'
import { answerOwnList } from './answers/own-list.ts'
import { sendHealed } from './heal.ts'
import { requireOwnInput } from './input-file.ts'
import { isShared } from './own-names.ts'
import { type ApiRequest, type ProxyRequest, parseRequest } from './request.ts'
import { type Answered, sendAlongRoute } from './route.ts'

/**
 * Sends a request upstream and returns the answer after its files were recorded.
 *
 * @param request path and query as the client wrote them
 * @throws CfileError `not_found`, `file_not_found`, `container_not_found` for things that are not the caller's;
 * `invalid_request`; `payload_too_large`; `upstream_error`, `upstream_timeout` and others when no upstream answers
 */
export async function forward(
  gateway: Gateway,
  caller: Caller,
  request: ApiRequest,
): Promise<Response> {
  const parsed = await parseRequest(gateway, caller, request)
  await requireOwnInput(gateway, caller, parsed)
  if (await isOwnList(gateway, caller, parsed)) {
    const page = await answerOwnList(gateway, caller, parsed, (upstream, query) =>
      sendOnce(gateway, upstream, parsed, { method: 'GET', query }),
    )
    return request.method === 'HEAD' ? new Response(null, page) : page
  }
  const resumption = resumptionOf(gateway, parsed)
  const { method, query } = { ...request, ...resumption }
  const { answered, healed, ...last } = await sendHealed(gateway, caller, parsed, (current) =>
    sendAlongRoute(gateway, current.route, method, (upstream) =>
      sendOnce(gateway, upstream, current, { method, query }),
    ),
  )
  const { after } = resumption ?? {}
  setServedFrom(request.exchange, answered.upstream)
  const answer = await beginAnswer(gateway, caller, parsed, answered)
  const finished = await finishAnswer(gateway, caller, last.parsed, { ...answered, answer, after })
  if (healed !== undefined) finished.headers.set('x-cfile-healed', healed)
  return finished
}

/**
 * Waits for the first bytes of an answer, so that the client gets an error with a code when the upstream fails before.
 *
 * @throws CfileError `upstream_error`, `upstream_timeout`, `file_too_large`
 */
async function beginAnswer(
  gateway: Gateway,
  caller: Caller,
  { request, named }: ProxyRequest,
  { answer, inFlight, upstream }: Answered,
): Promise<Response> {
  const { wait } = gateway.runtime
  const { streamIdleTimeoutMs: idleMs } = gateway.bounds
  const { body } = answer
  try {
    request.exchange.isDownload = isContent(request) && answer.ok
    if (isContent(request)) {
      const [fileId] = named.path.file
      const [containerId] = named.path.container
      const content = { caller, fileId, containerId, upstream, signal: request.signal }
      return await passContent(gateway, answer, content)
    }
    if (body === null) return answer
    const watched = isEventStream(answer)
      ? passBody(body, { wait, idleMs, onEnd: inFlight.end })
      : body
    const { stream } = await peekBody(watched)
    return new Response(stream, answer)
  } catch (error) {
    inFlight.end()
    throw brokenOff(error)
  }
}

/** Whether a request reads file content. */
function isContent({ path }: ApiRequest): boolean {
  return path.endsWith('/content')
}

/** Whether the upstream's list holds things of several callers and must be filtered. */
async function isOwnList(
  gateway: Gateway,
  caller: Caller,
  { operation, named }: ProxyRequest,
): Promise<boolean> {
  if (!gateway.owners.knowsCallers || caller.admin || operation.answerKind !== 'list') return false
  const [containerId] = named.path.container
  return containerId === undefined || isShared(gateway, containerId)
}

/** Sends a request to one upstream. */
async function sendOnce(
  gateway: Gateway,
  upstream: Upstream,
  { request, operation, sent, route }: ProxyRequest,
  { method, query }: Pick<ApiRequest, 'method' | 'query'>,
): Promise<Response> {
  const { path, headers, signal, below } = request
  // No retries here when another upstream can be asked, or when this one has just failed repeatedly.
  const isOnce = route.upstreams.length > 1 || gateway.balance.isCoolingDown(upstream)
  // The time of an upload depends on its size, so the short timeout does not apply.
  const isQuick = operation.isQuick && !(sent.bytes instanceof ReadableStream)
  try {
    return await upstream.client.request({
      method,
      path,
      query,
      headers: requestHeaders(headers),
      body: sent.bytes,
      signal,
      below,
      repeat: isOnce ? false : undefined,
      timeoutMs: isQuick ? undefined : gateway.bounds.generationTimeoutMs,
    })
  } finally {
    // A body that the gateway refused midway makes fetch fail with another error; `check` throws the real reason.
    sent.check?.()
  }
}

/** Records what an answer contains and creates the answer for the client. */
async function finishAnswer(
  gateway: Gateway,
  caller: Caller,
  parsed: ProxyRequest,
  { upstream, ...unread }: Unread & Pick<Answered, 'upstream'>,
): Promise<Response> {
  const { request, named, route } = parsed
  const origin = originOf(gateway, caller, upstream.name, previousTurn(named.body))
  const { ok } = unread.answer
  if (ok && route.reason === 'unknown') await recordNames(gateway, origin, named)
  if (ok) await eraseDeleted(gateway, caller, parsed)
  const recorded = await recordAnswer(gateway, origin, parsed, unread)
  const { body, status, statusText } = recorded
  return new Response(body, { status, statusText, headers: answerHeaders(request, recorded) })
}

/** Headers for the client: those of the upstream that may pass, and ours. */
function answerHeaders(request: ApiRequest, answer: Response): Headers {
  const headers = responseHeaders(answer.headers)
  if (isEventStream(answer)) {
    headers.set('cache-control', 'no-cache, no-transform')
    // nginx buffers answers unless this header turns that off.
    headers.set('x-accel-buffering', 'no')
  }
  if (isContent(request)) {
    // Without caller auth a browser may be the client, and the author of the file is not trusted.
    headers.set('content-security-policy', contentSecurityPolicy('', false))
    headers.set('x-content-type-options', 'nosniff')
    headers.set('cache-control', fileCacheControl)
  }
  return headers
}

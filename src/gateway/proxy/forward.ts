/**
 * Forward: a request of the OpenAI API goes upstream as it is, to where the things live that it names, and what its answer
 * shows is recorded before the client can see it.
 *
 * @module
 */

import { brokenOff } from '../../core/bytes/failures.ts'
import { passBody } from '../../core/bytes/pass.ts'
import { beginBody } from '../../core/http/body.ts'
import { contentSecurityPolicy } from '../../core/http/content-type.ts'
import { requestHeaders, responseHeaders } from '../../core/http/proxied-headers.ts'
import { previousTurn } from '../capture/turns.ts'
import { noteSource } from '../exchange.ts'
import { fileCacheControl } from '../files/headers.ts'
import type { Caller, Gateway, Upstream } from '../gateway.ts'
import { findRecord } from '../owners/records.ts'
import { type Answered, attempt } from './attempt.ts'
import { requireOwnBatch } from './batch-input.ts'
import type { Wanted } from './completions.ts'
import { passContent } from './content.ts'
import { followDeletion } from './deleted.ts'
import { sendHealed } from './heal.ts'
import { isShared } from './names.ts'
import { answerOwnList } from './own-list.ts'
import { type ApiRequest, type Understood, understand } from './request.ts'
import { resumptionOf } from './resume.ts'
import { isEventStream, recordNames, type Shown, showAnswer } from './shown.ts'

/**
 * Sends a request upstream and hands the answer back, its files recorded.
 *
 * @throws CfileError `not_found` and its like for what is not the caller's, `invalid_request`, `payload_too_large`, and
 * whatever keeps an upstream from answering
 */
export async function forward(
  gateway: Gateway,
  caller: Caller,
  request: ApiRequest,
): Promise<Response> {
  const understood = await understand(gateway, caller, request)
  await requireOwnBatch(gateway, caller, understood)
  if (await isOwnList(gateway, caller, understood)) {
    const page = await answerOwnList(gateway, caller, understood, (upstream, query) =>
      sendOnce(gateway, upstream, understood, { method: 'GET', query }),
    )
    return request.method === 'HEAD' ? new Response(null, page) : page
  }
  const resumption = resumptionOf(gateway, understood)
  const { method, query } = { ...request, ...resumption }
  const { answered, healed, ...last } = await sendHealed(gateway, caller, understood, (current) =>
    attempt(gateway, current.route, method, (upstream) =>
      sendOnce(gateway, upstream, current, { method, query }),
    ),
  )
  const { after } = resumption ?? {}
  noteSource(request.exchange, answered.upstream)
  const answer = await begin(gateway, caller, understood, answered)
  const handed = await handBack(gateway, caller, last.understood, { ...answered, answer, after })
  if (healed !== undefined) handed.headers.set('x-cfile-healed', healed)
  return handed
}

/**
 * Waits for the first bytes of an answer, so that an upstream that fails before them is answered with a code.
 *
 * @throws CfileError `upstream_error`, `upstream_timeout`, `file_too_large`
 */
async function begin(
  gateway: Gateway,
  caller: Caller,
  { request, named }: Understood,
  { answer, turn }: Answered,
): Promise<Response> {
  const { wait } = gateway.runtime
  const { streamIdleTimeoutMs: idleMs } = gateway.bounds
  const { body } = answer
  try {
    request.exchange.isDownload = isContent(request) && answer.ok
    if (isContent(request)) {
      const [fileId = ''] = named.path.file
      return await passContent(gateway, answer, async () => {
        // The answer is here: a store that is down is no reason to refuse it.
        const record = await findRecord(gateway, caller, 'file', fileId).catch(() => undefined)
        return record?.bytes
      })
    }
    if (body === null) return answer
    const watched = isEventStream(answer) ? passBody(body, { wait, idleMs, onEnd: turn.end }) : body
    const { stream } = await beginBody(watched)
    return new Response(stream, answer)
  } catch (error) {
    turn.end()
    throw brokenOff(error)
  }
}

function isContent({ path }: ApiRequest): boolean {
  return path.endsWith('/content')
}

/** Whether a list has to be picked over for what is the caller's. */
async function isOwnList(
  gateway: Gateway,
  caller: Caller,
  { operation, named }: Understood,
): Promise<boolean> {
  if (!gateway.owners.knowsCallers || caller.admin || operation.shows !== 'list') return false
  const [containerId] = named.path.container
  return containerId === undefined || isShared(gateway, containerId)
}

async function sendOnce(
  gateway: Gateway,
  upstream: Upstream,
  { request, operation, sent, route }: Understood,
  { method, query }: Pick<ApiRequest, 'method' | 'query'>,
): Promise<Response> {
  const { path, headers, signal, below } = request
  // Where there is another to ask, or no hope, nobody waits for this one.
  const isOnce = route.upstreams.length > 1 || gateway.balance.isResting(upstream)
  // An upload takes as long as its bytes do.
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
    // Whatever came of a body that we broke off, the reason counts.
    sent.check?.()
  }
}

async function handBack(
  gateway: Gateway,
  caller: Caller,
  understood: Understood,
  { upstream, answer, turn, after }: Answered & Pick<Shown, 'after'>,
): Promise<Response> {
  const { request, operation, named, route } = understood
  const withItems = gateway.owners.knowsCallers || gateway.upstreams.length > 1
  const previous = previousTurn(named.body)
  const source = { caller, upstream: upstream.name, withItems, previous }
  if (answer.ok && route.reason === 'unknown') await recordNames(gateway, source, named)
  if (answer.ok) await followDeletion(gateway, caller, understood)
  const { method } = request
  const shown = await showAnswer(gateway, source, {
    method,
    operation,
    named,
    query: request.query,
    completion: completionOf(understood),
    answer,
    after,
    onEnd: turn.end,
  })
  const { body, status, statusText } = shown
  return new Response(body, { status, statusText, headers: handedHeaders(request, shown) })
}

/** A chat completion that is neither stored nor spoken leaves nothing behind. */
function completionOf({ operation, sent: { named } }: Understood): Wanted | undefined {
  const isKept = operation.shows === 'completion' && (named.isStored || named.speaks)
  return isKept ? named : undefined
}

function handedHeaders(request: ApiRequest, answer: Response): Headers {
  const headers = responseHeaders(answer.headers)
  if (isEventStream(answer)) {
    headers.set('cache-control', 'no-cache, no-transform')
    // nginx holds an answer back until its buffer is full, unless the answer says not to.
    headers.set('x-accel-buffering', 'no')
  }
  if (isContent(request)) {
    // A browser may be the client where callers are not told apart, and who wrote the file is not to be trusted.
    headers.set('content-security-policy', contentSecurityPolicy('', false))
    headers.set('x-content-type-options', 'nosniff')
    headers.set('cache-control', fileCacheControl)
  }
  return headers
}

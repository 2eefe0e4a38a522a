/**
 * Forward: a request of the OpenAI API goes upstream as it is, and what its answer mentions is recorded before the
 * client can see it.
 *
 * @module
 */

import { requestHeaders, responseHeaders } from '../core/headers.ts'
import { passAnswer } from './answer.ts'
import type { Caller, Gateway } from './gateway.ts'

/** A request of the OpenAI API. */
export interface ApiRequest {
  readonly method: string
  /** Below `/openai/v1`, as it was written. */
  readonly path: string
  /** With its `?`, or empty. */
  readonly query: string
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
  readonly signal: AbortSignal
}

/** Sends a request upstream and hands the answer back, its files recorded. */
export async function forward(
  gateway: Gateway,
  caller: Caller,
  { method, path, query, headers, body, signal }: ApiRequest,
): Promise<Response> {
  const [upstream] = gateway.upstreams
  const answer = await upstream.client.request({
    method,
    path,
    query,
    headers: requestHeaders(headers),
    body,
    signal,
  })
  const passed = await passAnswer(gateway, { caller, upstream: upstream.name }, answer)
  return new Response(passed.body, {
    status: passed.status,
    statusText: passed.statusText,
    headers: responseHeaders(passed.headers),
  })
}

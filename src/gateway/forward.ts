/**
 * Forward: a request of the OpenAI API goes upstream as it is, and what its answer mentions is recorded before the
 * client can see it.
 *
 * @module
 */

import { parseJson, readBounded } from '../core/body.ts'
import { mentionsInEvent } from '../core/citation-stream.ts'
import { getMentions } from '../core/citations.ts'
import { requestHeaders, responseHeaders } from '../core/headers.ts'
import { splitEvents } from '../core/sse.ts'
import { capture, captureOnce, type Source } from './capture.ts'
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
  const recorded = await recordAnswer(gateway, { caller, upstream: upstream.name }, answer)
  return new Response(recorded, {
    status: answer.status,
    statusText: answer.statusText,
    headers: responseHeaders(answer.headers),
  })
}

async function recordAnswer(
  gateway: Gateway,
  source: Source,
  answer: Response,
): Promise<BodyInit | null> {
  const type = answer.headers.get('content-type') ?? ''
  if (!answer.ok || answer.body === null) return answer.body
  if (/^text\/event-stream\b/i.test(type)) return recordEvents(gateway, source, answer.body)
  if (/^application\/json\b/i.test(type)) return recordJson(gateway, source, answer.body)
  return answer.body
}

async function recordJson(
  gateway: Gateway,
  source: Source,
  body: ReadableStream<Uint8Array>,
): Promise<BodyInit> {
  const read = await readBounded(body, gateway.maxBodyBytes)
  if (read.whole === undefined) {
    gateway.log('warn', 'An answer was too large to be read, so its files are not recorded.', {
      setting: 'CFILE_MAX_BODY_BYTES',
      limit: gateway.maxBodyBytes,
    })
    return read.stream
  }
  await capture(gateway, source, getMentions(parseJson(read.whole)))
  return read.whole
}

/** The event that cites a file waits for the store, and with it those behind it; all others pass as they come. */
function recordEvents(
  gateway: Gateway,
  source: Source,
  body: ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> {
  const record = captureOnce(gateway, source)
  const recorder = new TransformStream<Uint8Array, Uint8Array>({
    async transform(event, controller) {
      await record(mentionsInEvent(event))
      controller.enqueue(event)
    },
  })
  return body.pipeThrough(splitEvents()).pipeThrough(recorder)
}

/**
 * An answer of the OpenAI API on its way back: what it mentions is recorded before the client can see it.
 *
 * @module
 */

import { parseJson, readBounded } from '../core/body.ts'
import { mentionsInEvent } from '../core/citation-stream.ts'
import { getMentions } from '../core/citations.ts'
import { splitEvents } from '../core/sse.ts'
import { capture, captureOnce, type Source } from './capture.ts'
import type { Gateway } from './gateway.ts'

/** Records what an answer mentions; resolves to its body, of which nothing is read before it is recorded. */
export async function recordAnswer(
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

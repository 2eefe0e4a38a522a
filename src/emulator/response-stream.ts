/**
 * Sends a response as a stream, and resumes a broken stream.
 *
 * @module
 */

import { invalidRequest } from './errors.ts'
import { eventsOf, toEventStream } from './events.ts'
import { isJson } from './json.ts'
import { withOutputs } from './response-object.ts'
import type { Emulation, EmulatorContext, StoredResponse } from './world.ts'

/**
 * The rest of a stream after the event in `starting_after`.
 *
 * @throws Refusal 400 if the response was not streamed from the start
 */
export function resumeStream(
  emulation: Emulation,
  c: EmulatorContext,
  stored: StoredResponse,
  include: readonly string[],
): Response {
  if (!stored.streamed) {
    throw invalidRequest(
      400,
      'This response cannot be streamed because it was not created with stream=true.',
      'stream',
    )
  }
  const startingAfter = Number(c.req.query('starting_after') ?? -1)
  const include_obfuscation = c.req.query('include_obfuscation') !== 'false'
  return streamResponse(emulation, c, stored, include, { include_obfuscation }, startingAfter)
}

/** Sends a stored response as a stream, or the part after an event. */
export function streamResponse(
  { ids, wait, deltaDelayMs }: Emulation,
  c: EmulatorContext,
  stored: StoredResponse,
  include: readonly unknown[],
  options: unknown,
  startingAfter = -1,
): Response {
  const { signal } = c.req.raw
  const isPadded = !isJson(options) || options.include_obfuscation !== false
  // The response finishes at once, so the next request finds it finished.
  stored.polls = 2
  const events = eventsOf(withOutputs(stored.finished, include), stored.sendsError)
  const body = toEventStream(events, {
    startingAfter,
    pad: isPadded ? ids.hex : undefined,
    pause: async () => {
      signal?.throwIfAborted()
      if (deltaDelayMs > 0) await wait(deltaDelayMs, signal)
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
}

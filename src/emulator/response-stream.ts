/**
 * A response sent as a stream, and taken up again where it broke.
 *
 * @module
 */

import { invalidRequest } from './errors.ts'
import { eventsOf, toEventStream } from './events.ts'
import { isJson } from './json.ts'
import { withOutputs } from './response-object.ts'
import type { Emulation, EmulatorContext, StoredResponse } from './world.ts'

/**
 * The rest of a stream, after the event that `starting_after` names.
 *
 * @throws Refusal 400 where the response was no stream from the start
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

/** All of a stored response as a stream, or what follows an event of it. */
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
  // It runs to its end in one go, so whoever asks next finds it finished.
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

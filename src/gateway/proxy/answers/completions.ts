/**
 * Chat completions: the ids in an answer that later requests may name are recorded before the client sees them.
 *
 * @see https://platform.openai.com/docs/api-reference/chat
 * @module
 */

import { isId } from '../../../core/ids.ts'
import { isObject } from '../../../core/json/value.ts'
import type { EventHandler } from '../../../core/sse/pump.ts'
import { eventJson } from '../../../core/sse/split.ts'
import type { Origin } from '../../capture/capture.ts'
import type { Gateway } from '../../gateway.ts'
import { recordIfUp, recordPlace } from '../../owners/records.ts'
import { withEvents } from './responses.ts'

/** Options of a chat completion that make it contain ids for later requests. */
export interface CompletionOptions {
  /** Whether the request has `store: true`: the completion can be read and listed by its id. */
  readonly isStored: boolean
  /** Whether the request asks for audio, which a later request may name by its id. */
  readonly wantsAudio: boolean
}

/**
 * Records ids of kind `thing` for the caller.
 *
 * @param origin caller and upstream of the answer
 * @param ids ids of completions and of audio
 */
export async function recordIds(
  gateway: Gateway,
  origin: Origin,
  ids: readonly string[],
): Promise<void> {
  await Promise.all(ids.map((id) => recordPlace(gateway, origin, 'thing', id)))
}

/**
 * Passes the stream of a chat completion. A chunk with a new id waits until the id is recorded.
 *
 * @param origin caller and upstream of the answer
 * @param answer a stream of events whose body has not been read yet
 */
export function recordChunks(
  gateway: Gateway,
  origin: Origin,
  options: CompletionOptions,
  answer: Response,
): Response {
  if (answer.body === null) return answer
  const recorded = new Set<string>()
  const all = Number(options.isStored) + Number(options.wantsAudio)
  const handler: EventHandler = {
    push(raw, emit) {
      const chunk = recorded.size < all ? eventJson(raw) : undefined
      const ids = completionIds(chunk, options).filter((id) => !recorded.has(id))
      if (ids.length === 0) return void emit(raw)
      const recording = recordIds(gateway, origin, ids).then(() => {
        for (const id of ids) recorded.add(id)
      })
      const fields = { owner: origin.caller.owner, things: ids }
      return recordIfUp(gateway.log, recording, fields).then(() => emit(raw))
    },
    end: () => undefined,
  }
  return withEvents(gateway, answer, handler)
}

/**
 * Ids in a chat completion or in one chunk of it. Empty ids are left out: Azure's first chunk has one.
 *
 * @param body parsed JSON of a completion or a chunk
 */
export function completionIds(
  body: unknown,
  { isStored, wantsAudio }: CompletionOptions,
): string[] {
  if (!isObject(body)) return []
  const choices = wantsAudio && Array.isArray(body.choices) ? body.choices : []
  return [isStored ? body.id : undefined, ...choices.map(audioId)].filter(isId)
}

/** Id of the audio in one choice. */
function audioId(choice: unknown): unknown {
  if (!isObject(choice)) return undefined
  const message = isObject(choice.message) ? choice.message : choice.delta
  return isObject(message) && isObject(message.audio) ? message.audio.id : undefined
}

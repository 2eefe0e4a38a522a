/**
 * Chat completions: the ids that an answer gives and a later request may name are recorded before they are released.
 *
 * @module
 */

import { isId } from '../../core/ids.ts'
import { type EventHandler, throughEvents } from '../../core/sse/pump.ts'
import { eventJson } from '../../core/sse/split.ts'
import { recordPlace, type Source } from '../capture/capture.ts'
import type { Gateway } from '../gateway.ts'
import { recordIfUp } from '../owners/record-if-up.ts'

/** What a chat completion is asked for that gives it ids of its own. */
export interface Wanted {
  /** Whether it is stored, and so can be read and listed by its id. */
  readonly isStored: boolean
  /** Whether it speaks: a later request may name its audio. */
  readonly speaks: boolean
}

/** Records ids for the caller. */
export async function recordIds(
  gateway: Gateway,
  source: Source,
  ids: readonly string[],
): Promise<void> {
  await Promise.all(ids.map((id) => recordPlace(gateway, source, 'thing', id)))
}

/** The events of a chat completion; the first chunk with an id waits until that is recorded. */
export function recordChunks(
  gateway: Gateway,
  source: Source,
  wanted: Wanted,
  answer: Response,
): Response {
  if (answer.body === null) return answer
  const recorded = new Set<string>()
  const all = Number(wanted.isStored) + Number(wanted.speaks)
  const handler: EventHandler = {
    push(raw, emit) {
      const chunk = recorded.size < all ? eventJson(raw) : undefined
      const ids = completionIds(chunk, wanted).filter((id) => !recorded.has(id))
      if (ids.length === 0) return void emit(raw)
      const recording = recordIds(gateway, source, ids).then(() => {
        for (const id of ids) recorded.add(id)
      })
      const shows = { owner: source.caller.owner, things: ids }
      return recordIfUp(gateway.log, recording, shows).then(() => emit(raw))
    },
    end: () => undefined,
  }
  return new Response(throughEvents(answer.body, handler), answer)
}

/** The ids in a chat completion, or in a chunk of one: Azure's first chunk has an empty id. */
export function completionIds(body: unknown, { isStored, speaks }: Wanted): string[] {
  if (!isObject(body)) return []
  const choices = speaks && Array.isArray(body.choices) ? body.choices : []
  return [isStored ? body.id : undefined, ...choices.map(audioId)].filter(isId)
}

function audioId(choice: unknown): unknown {
  if (!isObject(choice)) return undefined
  const said = isObject(choice.message) ? choice.message : choice.delta
  return isObject(said) && isObject(said.audio) ? said.audio.id : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/**
 * Turns: records the container that a response used with the response and its conversation, for links in later turns.
 *
 * @module
 */

import type { Turn } from '../../core/api/mentions.ts'
import type { Names } from '../../core/api/named-ids.ts'
import type { PreviousTurn } from '../../core/rewrite/answer-containers.ts'
import type { Caller } from '../gateway.ts'
import { findRecord, putRecord, type Remembering } from '../owners/records.ts'

/** Caller and upstream of a turn, and the turn that its request continues. */
export interface TurnSource {
  readonly caller: Caller
  readonly upstream?: string
  readonly previous?: PreviousTurn
}

/** Returns the turn that a request continues: its `previous_response_id` or `conversation`. */
export function previousTurn({ response, conversation }: Names): PreviousTurn {
  return { responseId: response[0], conversationId: conversation[0] }
}

/**
 * Records a response or a conversation with its container. Without a container of its own it keeps the recorded one, or
 * takes over that of the previous turn.
 *
 * @param turn container, previous response and conversation that the answer names
 */
export async function recordTurn(
  gateway: Remembering,
  source: TurnSource,
  kind: 'response' | 'conversation',
  id: string,
  { container, previous, conversation }: Turn = {},
): Promise<void> {
  const { caller, upstream } = source
  const container_id =
    container ??
    (await findRecord(gateway, caller, kind, id))?.container_id ??
    (kind === 'response'
      ? await recordedContainer(gateway, source, {
          responseId: previous,
          conversationId: conversation,
        })
      : undefined)
  await putRecord(gateway, caller, kind, id, {
    upstream,
    seen_at: gateway.runtime.now(),
    container_id,
  })
}

/** Returns the recorded container of the previous turn, which the answer names, or else the request. */
export async function recordedContainer(
  gateway: Remembering,
  { caller, previous }: TurnSource,
  { responseId, conversationId }: PreviousTurn,
): Promise<string | undefined> {
  const turns = [
    ['response', responseId ?? previous?.responseId],
    ['conversation', conversationId ?? previous?.conversationId],
  ] as const
  for (const [kind, id] of turns) {
    const record = id === undefined ? undefined : await findRecord(gateway, caller, kind, id)
    if (record?.container_id !== undefined) return record.container_id
  }
  return undefined
}

/**
 * Turns: the container that a response used is recorded with it, and with its conversation, for the links of later turns.
 *
 * @module
 */

import type { Turn } from '../../core/api/mentions.ts'
import type { Names } from '../../core/api/named-ids.ts'
import type { PreviousTurn } from '../../core/rewrite/answer-containers.ts'
import type { Caller } from '../gateway.ts'
import { findRecord, putRecord, type Remembering } from '../owners/records.ts'

/** Who got a turn, and what the request said that it goes on from. */
export interface TurnSource {
  readonly caller: Caller
  readonly upstream?: string
  readonly previous?: PreviousTurn
}

/** The turn that a request says it goes on from. */
export function previousTurn({ response, conversation }: Names): PreviousTurn {
  return { responseId: response[0], conversationId: conversation[0] }
}

/** Records a response or a conversation; without a container of its own it keeps the one known, or takes the one before. */
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

/** The container that is recorded for the turn before: as the answer names that turn, else as the request did. */
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

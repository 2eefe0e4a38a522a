/**
 * Capture: what an answer mentions is recorded for the caller who got it.
 *
 * @module
 */

import { type Citation, getMentions, type Mentions } from '../../core/api/citations.ts'
import type { Turn } from '../../core/api/mentions.ts'
import { label } from '../../core/metrics.ts'
import { noteForCopy } from '../archive/queue.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { findHeld, rethrowMissing } from '../owners/access.ts'
import { findRecord, putRecord, type Remembering } from '../owners/records.ts'
import { askInTurn } from '../upstreams/ask.ts'
import { upstreamsNamed } from '../upstreams/location.ts'
import { claim } from './claim.ts'
import { recordTurn, type TurnSource } from './turns.ts'

/** Where the mentions come from; without an upstream where a caller brings the answer and nobody knows. */
export interface Source extends TurnSource {
  /** Whether it matters where items of an answer live, and whose they are. @default false */
  readonly withItems?: boolean
}

/** What was recorded. */
export interface Captured extends Mentions {
  /** The name of the upstream that it came from, where it is known. */
  readonly upstream?: string
}

/** Records everything an answer mentions; resolves when all of it is stored. Doing it again changes nothing. */
export async function capture(
  gateway: Remembering,
  source: Source,
  mentions: Mentions,
): Promise<void> {
  await Promise.all([
    ...mentions.responses.map((id) =>
      recordTurn(gateway, source, 'response', id, turnOf(mentions, 'response', id)),
    ),
    ...mentions.conversations.map((id) =>
      recordTurn(gateway, source, 'conversation', id, turnOf(mentions, 'conversation', id)),
    ),
    ...mentions.containers.map((id) => recordPlace(gateway, source, 'container', id)),
    ...(source.withItems === true ? (mentions.items ?? []) : []).map((id) =>
      recordPlace(gateway, source, 'thing', id),
    ),
    ...mentions.citations.map((citation) => recordFile(gateway, source, citation)),
  ])
}

/**
 * Records what a stored response mentions, read from the upstream that made it. The upstream is asked in every case, so
 * that the time it takes does not tell whether the response is somebody else's.
 *
 * @throws CfileError `not_found`
 */
export async function captureResponse(
  gateway: Gateway,
  caller: Caller,
  responseId: string,
  signal: AbortSignal,
): Promise<Captured> {
  const held = await findHeld(gateway, caller, 'response', responseId)
  const upstreams = upstreamsNamed(gateway, held?.record.upstream)
  const { upstream, found } = await askInTurn(upstreams, (client) =>
    client.getResponse(responseId, { signal }),
  ).catch((error) => rethrowMissing(gateway, 'response', error))
  const mentions = { ...getMentions(found), responses: [responseId] }
  const free = await claim(gateway, caller, mentions).catch((error) =>
    rethrowMissing(gateway, 'response', error),
  )
  await capture(gateway, { caller, upstream: upstream.name }, free)
  return { ...mentions, upstream: upstream.name }
}

/**
 * A capture for a stream of events that repeat each other: each thing is stored once, at its first mention, and again
 * only when a later mention knows a file's name, or where it could not be stored before.
 */
export function captureOnce(
  gateway: Remembering,
  source: Source,
): (mentions: Mentions) => Promise<void> | undefined {
  const stored = new Set<string>()
  return (mentions) => {
    const { responses, conversations, containers, citations, items = [], turns } = mentions
    const named = source.withItems === true ? items : []
    const marked: string[] = []
    const fresh = (key: string): boolean => {
      if (stored.has(key)) return false
      marked.push(key)
      stored.add(key)
      return true
    }
    // Only the end of a stream tells which container a response used last.
    const freshTurn = (kind: TurnKind) => (id: string) =>
      fresh(`${id} ${turnOf(mentions, kind, id)?.container}`)
    const unseen: Mentions = {
      turns,
      responses: responses.filter(freshTurn('response')),
      conversations: conversations.filter(freshTurn('conversation')),
      containers: containers.filter(fresh),
      items: named.filter(fresh),
      citations: citations.filter(({ container_id, file_id, filename }) =>
        fresh(`${container_id} ${file_id} ${filename === undefined}`),
      ),
    }
    if (marked.length === 0) return undefined
    return capture(gateway, source, unseen).catch((error) => {
      for (const key of marked) stored.delete(key)
      throw error
    })
  }
}

type TurnKind = 'response' | 'conversation'

function turnOf({ turns }: Mentions, kind: TurnKind, id: string): Turn | undefined {
  return turns?.findLast((turn) => turn[kind] === id)
}

/** Records a thing that stands for itself. */
export async function recordPlace(
  gateway: Remembering,
  { caller, upstream }: Source,
  kind: 'container' | 'thing',
  id: string,
): Promise<void> {
  const { observed, runtime } = gateway
  const isNew =
    kind === 'container' &&
    observed !== undefined &&
    (await findRecord(gateway, caller, kind, id)) === undefined
  await putRecord(gateway, caller, kind, id, { upstream, seen_at: runtime.now() })
  const labels = label({ upstream: upstream ?? 'unknown' })
  if (isNew) observed.metrics.add('cfile_containers_total', 1, labels)
}

async function recordFile(
  gateway: Remembering,
  { caller, upstream }: Source,
  { file_id, container_id, filename }: Citation,
): Promise<void> {
  await noteForCopy(gateway, { owner: caller.key, upstream, file_id, container_id, filename })
  const known = await findRecord(gateway, caller, 'file', file_id)
  // The first mention with a name stands; what was learnt since (size, type) must not be lost to a repetition.
  if (known !== undefined && (known.filename !== undefined || filename === undefined)) return
  const seen_at = gateway.runtime.now()
  await putRecord(gateway, caller, 'file', file_id, {
    ...(known ?? { upstream, container_id, seen_at }),
    filename,
  })
  if (known === undefined) gateway.observed?.metrics.add('cfile_captured_files_total')
}

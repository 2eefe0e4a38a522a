/**
 * Records what an answer mentions (responses, containers, files) for the caller who got the answer.
 *
 * A record is the permission to read a thing later, and it names the upstream that has the thing. A turn (response or
 * conversation) is recorded with the container of its last code interpreter call, for links and requests of later turns.
 *
 * @module
 */

import { type Citation, getMentions, type Mentions } from '../../core/api/citations/citations.ts'
import type { Turn } from '../../core/api/citations/mentions.ts'
import { getResources, type Resource } from '../../core/api/citations/resources.ts'
import type { Names } from '../../core/api/names/named-ids.ts'
import { isPartId } from '../../core/ids.ts'
import type { PreviousTurn } from '../../core/rewrite/answer-containers.ts'
import { copyIfEager } from '../archive/queue.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { findHeld, rethrowMissing, standingOf } from '../owners/access.ts'
import {
  type FileRecord,
  findRecord,
  putRecord,
  type RecordContext,
  recordPlace,
} from '../owners/records.ts'
import { askInTurn, upstreamsNamed } from '../upstreams/location.ts'
import { claim, withoutOthers } from './claim.ts'

/** Caller and upstream of an answer. */
export interface Origin {
  readonly caller: Caller
  /** Name of the upstream. Absent when a caller posts an answer of unknown origin. */
  readonly upstream?: string
  /** The turn that the request continues. */
  readonly previous?: PreviousTurn
  /** Whether the items of an answer are recorded too, to know their owner and upstream. @default false */
  readonly withItems?: boolean
  /** Whether ids that only a tool's result names are recorded only if no other owner has them. @default false */
  readonly checksReports?: boolean
}

/**
 * Returns the origin of an answer that an upstream gave. Its items are recorded too if later requests are checked or
 * routed by them.
 *
 * @param upstream name of the upstream
 * @param previous the turn that the request continues
 */
export function originOf(
  { owners, upstreams }: Gateway,
  caller: Caller,
  upstream: string,
  previous?: PreviousTurn,
): Origin {
  const { knowsCallers } = owners
  const withItems = knowsCallers || upstreams.length > 1
  return { caller, upstream, previous, withItems, checksReports: knowsCallers }
}

/** Mentions that were recorded. */
export interface Captured extends Mentions {
  /** Name of the upstream that holds them, if known. */
  readonly upstream?: string
}

/**
 * Records everything that an answer mentions. Idempotent.
 *
 * @param origin caller and upstream of the answer
 * @throws CfileError `not_ready` when the store fails
 */
export async function capture(
  gateway: RecordContext,
  origin: Origin,
  all: Mentions,
): Promise<void> {
  const isChecked = origin.checksReports === true && all.reported !== undefined
  const mentions = isChecked ? await withoutOthers(gateway, origin.caller, all) : all
  const turns = turnKinds.flatMap((kind) =>
    mentions[`${kind}s`].map((id) =>
      recordTurn(gateway, origin, kind, id, turnOf(mentions, kind, id)),
    ),
  )
  await Promise.all([
    ...turns,
    ...mentions.containers.map((id) => recordPlace(gateway, origin, 'container', id)),
    ...(origin.withItems === true ? (mentions.items ?? []) : []).map((id) =>
      recordPlace(gateway, origin, 'thing', id),
    ),
    ...mentions.citations.map((citation) => recordFile(gateway, origin, citation)),
  ])
}

/**
 * Reads a stored response from its upstream and records what it mentions. The upstream is always asked, so that the
 * response time does not reveal whether the response belongs to another owner.
 *
 * @param responseId id of a stored response (`store: true`)
 * @returns what it mentions, recorded before or not
 * @throws CfileError `not_found` when no upstream has it or when it belongs to another owner
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
 * Creates a capture function for the events of one stream, which repeat each other. Each id is stored at its first
 * mention. It is stored again when a later mention has the name of the file, or when the first write failed.
 *
 * @param origin caller and upstream of the stream
 * @returns a function that returns `undefined` when a mention holds nothing new
 */
export function captureOnce(
  gateway: RecordContext,
  origin: Origin,
): (mentions: Mentions) => Promise<void> | undefined {
  const stored = new Set<string>()
  return (mentions) => {
    const { responses, conversations, containers, citations, items = [], turns } = mentions
    const reported = new Set(mentions.reported)
    const named = origin.withItems === true ? items : []
    const marked: string[] = []
    const fresh = (key: string): boolean => {
      if (stored.has(key)) return false
      marked.push(key)
      stored.add(key)
      return true
    }
    // A later event may cite what was only reported before.
    const keyOf = (id: string): string => (reported.has(id) ? `reported ${id}` : id)
    // The last event of a stream names the container that a response used last, so turns are keyed with it.
    const freshTurn = (kind: TurnKind) => (id: string) =>
      fresh(`${id} ${turnOf(mentions, kind, id)?.container}`)
    const unseen: Mentions = {
      turns,
      reported: mentions.reported,
      responses: responses.filter(freshTurn('response')),
      conversations: conversations.filter(freshTurn('conversation')),
      containers: containers.filter((id) => fresh(keyOf(id))),
      items: named.filter(fresh),
      citations: citations.filter(({ container_id, file_id, filename }) =>
        fresh(`${container_id} ${keyOf(file_id)} ${filename === undefined}`),
      ),
    }
    if (marked.length === 0) return undefined
    return capture(gateway, origin, unseen).catch((error) => {
      for (const key of marked) stored.delete(key)
      throw error
    })
  }
}

type TurnKind = 'response' | 'conversation'

const turnKinds: readonly TurnKind[] = ['response', 'conversation']

/** The last turn of an answer with an id, because later events of a stream are more complete. */
function turnOf({ turns }: Mentions, kind: TurnKind, id: string): Turn | undefined {
  return turns?.findLast((turn) => turn[kind] === id)
}

/** Records a cited file, and stores it as a pending copy if the archive is eager. */
async function recordFile(
  gateway: RecordContext,
  { caller, upstream }: Origin,
  { file_id, container_id, filename }: Citation,
): Promise<void> {
  await copyIfEager(gateway, { owner: caller.key, upstream, file_id, container_id, filename })
  const known = await findRecord(gateway, caller, 'file', file_id)
  // The first mention with a name counts. A later one must not overwrite size and type, which a download may have added.
  if (known !== undefined && (known.filename !== undefined || filename === undefined)) return
  const seen_at = gateway.runtime.now()
  await putRecord(gateway, caller, 'file', file_id, {
    ...(known ?? { upstream, container_id, seen_at }),
    filename,
  })
  if (known === undefined) gateway.observed?.metrics.add('cfile_captured_files_total')
}

/** Returns the turn that a request continues: its `previous_response_id` or `conversation`. */
export function previousTurn({ response, conversation }: Names): PreviousTurn {
  return { responseId: response[0], conversationId: conversation[0] }
}

/**
 * Records a response or a conversation with its container. Without a container of its own it keeps the recorded one, or
 * gets that of the previous turn.
 *
 * @param turn container, previous response and conversation that the answer names
 */
async function recordTurn(
  gateway: RecordContext,
  origin: Origin,
  kind: TurnKind,
  id: string,
  { container, previous, conversation }: Turn = {},
): Promise<void> {
  const { caller, upstream } = origin
  const container_id =
    container ??
    (await findRecord(gateway, caller, kind, id))?.container_id ??
    (kind === 'response'
      ? await recordedContainer(gateway, origin, {
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

/**
 * Returns the recorded container of the previous turn, which the answer names, or else the request.
 *
 * @param previous the turn that the answer names; that of the request counts where it names none
 * @returns `undefined` when neither turn is recorded with a container
 */
export async function recordedContainer(
  gateway: RecordContext,
  { caller, previous }: Origin,
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

/**
 * Records the objects in an answer. Idempotent.
 *
 * @param body the parsed JSON of the answer: one object or a list
 * @param other the kind for objects that {@link getResources} does not recognize; absent: they are skipped
 */
export async function captureThings(
  gateway: RecordContext,
  origin: Origin,
  body: unknown,
  other?: 'thing',
): Promise<void> {
  await Promise.all(
    getResources(body, other).map((resource) => {
      const { kind, id } = resource
      if (kind === 'file') return recordListedFile(gateway, origin, resource)
      if (kind === 'conversation') return recordTurn(gateway, origin, kind, id)
      return recordPlace(gateway, origin, kind, id)
    }),
  )
}

/**
 * Records the rows of a list that belongs to a thing of the caller. A row may be an item that the caller wrote with a
 * freely chosen id, so it is recorded only when no other owner has that id and it is not the id of another kind of thing.
 *
 * @param body the parsed JSON of the list
 */
export async function captureRows(gateway: Gateway, origin: Origin, body: unknown): Promise<void> {
  await Promise.all(
    getResources(body, 'thing').map(async ({ id }) => {
      if (!isPartId(id)) return
      const standing = await standingOf(gateway, origin.caller, 'thing', id)
      if (standing === 'nobody') await recordPlace(gateway, origin, 'thing', id)
    }),
  )
}

/** Records a file of the Files API or of a container list. */
async function recordListedFile(
  gateway: RecordContext,
  { caller, upstream }: Origin,
  { id, container_id, stored_name, bytes }: Extract<Resource, { kind: 'file' }>,
): Promise<void> {
  const known = await findRecord(gateway, caller, 'file', id)
  if (known?.stored_name !== undefined) return
  const fresh: FileRecord = { upstream, container_id, seen_at: gateway.runtime.now() }
  await putRecord(gateway, caller, 'file', id, { ...(known ?? fresh), stored_name, bytes })
}

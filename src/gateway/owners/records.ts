/**
 * Records: what the store keeps about an id, one record for each owner. Records are never merged, and having one proves
 * ownership. Every key is listed in `src/stores/README.md`.
 *
 * The key of a record is `{kind}/{id}/{owner}`, so that the owners of an id are found by a prefix. Values from the store
 * pass a schema, so that a damaged record counts as absent.
 *
 * @module
 */

import * as z from 'zod/mini'
import { isCfileError } from '../../core/errors.ts'
import { label, type Metrics } from '../../core/observe/metrics.ts'
import { once } from '../../core/once.ts'
import type { Json, Store, StoreEntry } from '../../stores/store.ts'
import type { Caller, Gateway, GatewayRuntime, Log } from '../gateway.ts'
import { isStoreDown } from './guarded-store.ts'

/** Record of a file that an answer cited or that a listing contained. */
export interface FileRecord {
  /** Name of the upstream; absent while unknown. */
  readonly upstream?: string
  /** Absent for files of the Files API. */
  readonly container_id?: string
  /** Unchanged `filename` of the citation. */
  readonly filename?: string
  /** Name, size and type in the upstream, learnt when the file was first served. */
  readonly stored_name?: string
  readonly bytes?: number
  readonly type?: string
  /** Unix second of the first mention. */
  readonly seen_at: number
}

/** Record of a container or of another API object. */
export interface PlaceRecord {
  readonly upstream?: string
  readonly seen_at: number
}

/** Record of a response or a conversation. */
interface TurnRecord extends PlaceRecord {
  /** Container of its last code interpreter call, or that of the previous turn. */
  readonly container_id?: string
}

/** Record types by kind. */
interface Records {
  readonly file: FileRecord
  readonly container: PlaceRecord
  readonly response: TurnRecord
  readonly conversation: TurnRecord
  readonly thing: PlaceRecord
}

const schemas = once((): { readonly [K in keyof Records]: z.ZodMiniType<Records[K]> } => {
  const text = z.optional(z.string())
  const place = { upstream: text, seen_at: z.number() }
  const turn = z.object({ ...place, container_id: text })
  return {
    file: z.object({
      ...place,
      container_id: text,
      filename: text,
      stored_name: text,
      bytes: z.optional(z.number()),
      type: text,
    }),
    container: z.object(place),
    response: turn,
    conversation: turn,
    thing: z.object(place),
  }
})

/** Kinds of records. */
export type Kind = keyof Records

/** All kinds; the kind is the first part of a key. */
export const kinds: readonly Kind[] = ['file', 'container', 'response', 'conversation', 'thing']

/** The record type of a kind. */
export type RecordOf<K extends Kind> = Records[K]

// Containers live for an hour. Records live longer, so that late downloads get `container_expired` and not a 404.
const day = 24 * 3600
const lifetime = 90 * day

/** The parts of the gateway that records need. */
export interface RecordContext extends Pick<Gateway, 'archiving'> {
  readonly store: Store
  readonly runtime: Pick<GatewayRuntime, 'now'>
  /** Absent in the library, which has no metrics. */
  readonly observed?: { readonly metrics: Metrics }
}

/**
 * Reads the record of an id for a caller.
 *
 * @param kind kind of the record
 * @param id id of the thing
 * @returns `undefined` without a record, and for a stored value that is none
 * @throws CfileError `not_ready` when the store of a gateway fails
 */
export async function findRecord<K extends Kind>(
  gateway: RecordContext,
  caller: Caller,
  kind: K,
  id: string,
): Promise<Records[K] | undefined> {
  return readRecord(kind, await gateway.store.get(recordKey(kind, id, caller)))
}

/**
 * Writes the record of an id for a caller. It replaces the one before.
 *
 * @param kind kind of the record, which decides its lifetime
 * @param id id of the thing
 * @throws CfileError `not_ready` when the store of a gateway fails
 */
export async function putRecord<K extends Kind>(
  gateway: RecordContext,
  caller: Caller,
  kind: K,
  id: string,
  record: Records[K],
): Promise<void> {
  const ttl = lifetimeOf(gateway, kind)
  await gateway.store.put(recordKey(kind, id, caller), toJson(record), { ttl })
}

/**
 * Records a container or another thing that is not a file or a turn. Counts a container at its first record.
 *
 * @param kind kind of the record
 * @param id id of the thing
 */
export async function recordPlace(
  gateway: RecordContext,
  { caller, upstream }: { readonly caller: Caller; readonly upstream?: string },
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

/** Converts an object to a value of the store, without fields that are undefined. */
export function toJson(object: object): Json {
  return JSON.parse(JSON.stringify(object))
}

/**
 * Lifetime of a record in seconds; `undefined`: unlimited. A copy cannot be found without the records of its file and
 * container, so those live a day longer than copies, whose lifetime begins when they are complete.
 */
function lifetimeOf({ archiving }: RecordContext, kind: Kind): number | undefined {
  if (archiving === undefined || (kind !== 'file' && kind !== 'container')) return lifetime
  return archiving.ttl === 0 ? undefined : Math.max(lifetime, archiving.ttl + day)
}

/**
 * Deletes the record of an id for a caller. Does nothing without one.
 *
 * @param kind kind of the record
 * @param id id of the thing
 */
export async function removeRecord(
  gateway: Gateway,
  caller: Caller,
  kind: Kind,
  id: string,
): Promise<void> {
  await gateway.store.delete(recordKey(kind, id, caller))
}

/**
 * Lists keys of owners who have a record of an id, at most `limit`.
 *
 * @param kind kind of the record
 * @param id id of the thing
 * @param limit largest number of owners
 */
export async function listOwners(
  gateway: RecordContext,
  kind: Kind,
  id: string,
  limit: number,
): Promise<readonly string[]> {
  const prefix = `${kind}/${id}/`
  const found = await gateway.store.list(prefix, { limit })
  return found.map(({ key }) => key.slice(prefix.length))
}

/**
 * Lists all entries of the store with a prefix, in the order of their keys.
 *
 * @param prefix beginning of the keys
 */
export async function* listEntries(
  { store }: RecordContext,
  prefix: string,
): AsyncGenerator<StoreEntry> {
  for (let after = prefix; ; ) {
    const page = await store.list(prefix, { after, limit: 1000 })
    yield* page
    after = page.at(-1)?.key ?? ''
    if (page.length < 1000) return
  }
}

/**
 * Lists all records of a kind that an owner has. Reads the keys of all owners: an index would cost one more write for
 * each capture, and this is called rarely.
 *
 * @param owner key of the owner
 */
export async function* listRecords<K extends Kind>(
  gateway: RecordContext,
  kind: K,
  owner: string,
): AsyncGenerator<{ readonly id: string; readonly record: Records[K] }> {
  for await (const { key, value } of listEntries(gateway, `${kind}/`)) {
    const [, id = '', of] = key.split('/')
    const record = of === owner ? readRecord(kind, value) : undefined
    if (record !== undefined) yield { id, record }
  }
}

/** Key of a record: `kind/id/owner`. */
function recordKey(kind: Kind, id: string, caller: Caller): string {
  return `${kind}/${id}/${caller.key}`
}

/** Parses a value of the store; `undefined` when it is no record of the kind. */
function readRecord<K extends Kind>(kind: K, value: Json | undefined): Records[K] | undefined {
  return z.safeParse<z.ZodMiniType<Records[K]>>(schemas()[kind], value).data
}

/**
 * Waits until the contents of an answer are recorded. If the store is down, the answer passes without records, because it
 * cost money, and the ids are logged.
 *
 * @param recording the write under way
 * @param fields ids that should have been recorded, for the log
 */
export async function recordIfUp(
  log: Log,
  recording: Promise<void>,
  fields: Readonly<Record<string, unknown>>,
): Promise<void> {
  try {
    await recording
  } catch (error) {
    if (!isStoreDown(error)) throw error
    const cause = String(isCfileError(error) ? error.cause : error)
    log('error', 'The store is down, so the contents of an answer are not recorded.', {
      ...fields,
      cause,
    })
  }
}

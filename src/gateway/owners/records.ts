/**
 * What is remembered of an id, one record for each owner, so that no record ever has to be merged and a record is
 * itself the proof of ownership. Every key is listed in `src/stores/README.md`.
 *
 * @module
 */

import type { Metrics } from '../../core/metrics.ts'
import type { Json, Store, StoreEntry } from '../../stores/store.ts'
import type { Caller, Gateway, GatewayRuntime } from '../gateway.ts'

/** A file that an answer cited, or that was found on the way. */
export interface FileRecord {
  /** The upstream's name; absent where it is not known yet. */
  readonly upstream?: string
  /** Absent for a file of the Files API. */
  readonly container_id?: string
  /** The annotation's name, as it is. */
  readonly filename?: string
  /** Learnt from the upstream when the file was first served: its own name for it, its size and type. */
  readonly stored_name?: string
  readonly bytes?: number
  readonly type?: string
  /** Unix second of the first mention. */
  readonly seen_at: number
}

/** A container, or another thing that the API keeps. */
export interface PlaceRecord {
  readonly upstream?: string
  readonly seen_at: number
}

/** A response or a conversation. */
export interface TurnRecord extends PlaceRecord {
  /** The container in which its last code ran, or that of the turn before. */
  readonly container_id?: string
}

interface Records {
  readonly file: FileRecord
  readonly container: PlaceRecord
  readonly response: TurnRecord
  readonly conversation: TurnRecord
  readonly thing: PlaceRecord
}

/** The kinds of things that are remembered. */
export type Kind = keyof Records

/** All of them; each is the first part of its keys. */
export const kinds: readonly Kind[] = ['file', 'container', 'response', 'conversation', 'thing']

/** The record of a kind of thing. */
export type RecordOf<K extends Kind> = Records[K]

// Containers live an hour; the record outlives them so that a late click is told "gone" and not "never heard of".
const day = 24 * 3600
const lifetime = 90 * day

/** The part of the gateway that remembers. */
export interface Remembering extends Pick<Gateway, 'archiving'> {
  readonly store: Store
  readonly runtime: Pick<GatewayRuntime, 'now'>
  /** Absent in the library, which has no metrics. */
  readonly observed?: { readonly metrics: Metrics }
}

/** The record of an id for this caller, or `undefined`. */
export async function findRecord<K extends Kind>(
  gateway: Remembering,
  caller: Caller,
  kind: K,
  id: string,
): Promise<Records[K] | undefined> {
  return readRecord(await gateway.store.get(recordKey(kind, id, caller)))
}

/** Writes the record of an id for this caller. */
export async function putRecord<K extends Kind>(
  gateway: Remembering,
  caller: Caller,
  kind: K,
  id: string,
  record: Records[K],
): Promise<void> {
  // Through JSON, so that what a field left undefined is not stored as one.
  const value: Json = JSON.parse(JSON.stringify(record))
  await gateway.store.put(recordKey(kind, id, caller), value, { ttl: lifetimeOf(gateway, kind) })
}

/**
 * A copy without the record of its file and container could be found by nobody, and be anybody's. So these live as long
 * as copies do, and a day more: a copy's time begins when it is whole.
 */
function lifetimeOf({ archiving }: Remembering, kind: Kind): number | undefined {
  if (archiving === undefined || (kind !== 'file' && kind !== 'container')) return lifetime
  return archiving.ttl === 0 ? undefined : Math.max(lifetime, archiving.ttl + day)
}

/** Forgets the record of an id for this caller. */
export async function removeRecord(
  gateway: Gateway,
  caller: Caller,
  kind: Kind,
  id: string,
): Promise<void> {
  await gateway.store.delete(recordKey(kind, id, caller))
}

/** The keys of the owners for whom a thing is recorded, at most so many. */
export async function listOwners(
  gateway: Remembering,
  kind: Kind,
  id: string,
  limit: number,
): Promise<readonly string[]> {
  const prefix = `${kind}/${id}/`
  const found = await gateway.store.list(prefix, { limit })
  return found.map(({ key }) => key.slice(prefix.length))
}

/** All entries of the store whose keys begin so, in the order of their keys. */
export async function* listEntries(
  { store }: Remembering,
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
 * All records of a kind that an owner has. Reads the keys of every owner: an index by owner would cost a write at each
 * capture, and this is asked for rarely.
 */
export async function* listRecords<K extends Kind>(
  gateway: Remembering,
  kind: K,
  owner: string,
): AsyncGenerator<{ readonly id: string; readonly record: Records[K] }> {
  for await (const { key, value } of listEntries(gateway, `${kind}/`)) {
    const [, id = '', of] = key.split('/')
    const record = of === owner ? readRecord<K>(value) : undefined
    if (record !== undefined) yield { id, record }
  }
}

function recordKey(kind: Kind, id: string, caller: Caller): string {
  return `${kind}/${id}/${caller.key}`
}

function readRecord<K extends Kind>(value: Json | undefined): Records[K] | undefined {
  const isRecord = typeof value === 'object' && value !== null && 'seen_at' in value
  return isRecord ? (value as unknown as Records[K]) : undefined
}

/**
 * The interface of archives: copies of files that remain after their containers have expired. `memory.ts` is the
 * reference; `test/archives/contract.ts` tests every engine.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import { parseJson } from '../core/http/body.ts'
import type { ByteRange } from '../core/http/range.ts'

/** Facts about a copied file. */
export interface ArchiveMeta {
  /** Display name of the file. */
  readonly name?: string
  /** Media type. */
  readonly type?: string
  /** Key of the owner. */
  readonly owner: string
  /** Origin of the file: name of the upstream, and Azure's ids. */
  readonly upstream?: string
  readonly container_id?: string
  readonly file_id: string
  /** The row in the container's file list: path, source, creation time in unix seconds. */
  readonly path?: string
  readonly source?: string
  readonly created_at?: number
}

/** Size in bytes, SHA-256 in hex, and facts of a complete copy. */
export interface ArchiveRecord {
  readonly bytes: number
  readonly sha256: string
  readonly meta: ArchiveMeta
}

/** A record as engines store it. */
export interface StoredRecord extends ArchiveRecord {
  /** Name under which the bytes are stored, if the key does not determine it. */
  readonly body: string
}

/** A complete copy. */
export interface ArchivedFile extends ArchiveRecord {
  readonly key: string
  /** Unix second in which the copy was made. */
  readonly storedAt: number
  /**
   * Opens the bytes, or a range within the file. The stream fails rather than ending early. The stream of a whole copy
   * passes its last bytes only if the hash of all bytes matches the record.
   *
   * @throws CfileError `file_not_found` if the copy was deleted meanwhile, `not_ready` if the archive fails
   * @throws DamagedCopy, also from the stream, if the bytes differ from the copied ones
   */
  open(options?: OpenOptions): Promise<ReadableStream<Uint8Array>>
}

/** Options of {@link ArchivedFile.open}. */
export interface OpenOptions {
  readonly range?: ByteRange
  /** Ends the wait for the stream. Engines that support it also end the stream when the signal fires later. */
  readonly signal?: AbortSignal
}

/** Options of {@link Archive.put}. */
export interface ArchivePutOptions {
  /** Expected size of the body in bytes, if known. */
  readonly bytes?: number
  readonly signal?: AbortSignal
}

/** Options of methods without other options. */
export interface ArchiveOptions {
  readonly signal?: AbortSignal
}

/** Options of {@link Archive.list}. */
export interface ArchiveListOptions extends ArchiveOptions {
  /** Lists only the copies of this owner. */
  readonly owner?: string
}

/** Options of {@link Archive.removeLeftovers}. */
export interface LeftoverOptions extends ArchiveOptions {
  /** Unix second. Newer leftovers may belong to a copy in progress and stay. */
  readonly before: number
}

/** A copy in a list. */
export interface ListedFile {
  readonly key: string
  /** Unix second. */
  readonly storedAt: number
}

/**
 * A map from keys (`<owner>/<file id>`, see {@link parseArchiveKey}) to complete copies. If the archive fails, each
 * method throws a CfileError `not_ready`.
 */
export interface Archive {
  /**
   * Copies a body. The copy becomes visible when it is complete; until then, and after a failure, an earlier copy
   * stays. The body is read to its end or cancelled.
   *
   * @throws RangeError if the body does not have the announced size
   */
  put(
    key: string,
    body: ReadableStream<Uint8Array>,
    meta: ArchiveMeta,
    options?: ArchivePutOptions,
  ): Promise<ArchiveRecord>
  get(key: string, options?: ArchiveOptions): Promise<ArchivedFile | undefined>
  /** Deletes the copy and leftovers of earlier copies of the file. */
  delete(key: string, options?: ArchiveOptions): Promise<void>
  /** Lists the complete copies, grouped by owner. */
  list(options?: ArchiveListOptions): AsyncIterable<ListedFile>
  /** Removes leftovers of interrupted copies. */
  removeLeftovers(options: LeftoverOptions): Promise<void>
}

/** An incremental SHA-256. WebCrypto has none. */
export interface Sha256 {
  /** Adds a chunk. The chunk may be reused when the promise resolves. */
  update(chunk: Uint8Array<ArrayBuffer>): void | Promise<void>
  /** The hash in hex. */
  digest(): string | Promise<string>
}

/** Creates a SHA-256 with the runtime's own implementation: `node:crypto`, or `crypto.DigestStream` in workerd. */
export type CreateSha256 = () => Sha256

/**
 * Checks a key: the owner's key and the file's id, each 1 to 128 of `A-Z a-z 0-9 _ -`. File names are never part of a
 * storage path.
 *
 * @param key `<owner>/<file id>`
 * @returns the same key
 * @throws CfileError `invalid_id`
 */
export function parseArchiveKey(key: string): string {
  if (/^[A-Za-z0-9_-]{1,128}\/[A-Za-z0-9_-]{1,128}$/.test(key)) return key
  throw new CfileError('invalid_id', 'The key of an archived file is its owner, "/", and its id.')
}

/**
 * Checks an owner's key.
 *
 * @param owner key of an owner, as the gateway derives it
 * @returns the same text
 * @throws CfileError `invalid_id`
 */
export function parseOwner(owner: string): string {
  parseArchiveKey(`${owner}/_`)
  return owner
}

/**
 * Parses a stored record: JSON of the {@link ArchiveRecord} and any members of the engine.
 *
 * @param stored JSON in UTF-8
 * @returns `undefined` if it is malformed
 */
export function parseArchiveRecord(
  stored: Uint8Array,
): (Partial<StoredRecord> & ArchiveRecord) | undefined {
  const record = parseJson(stored) as Partial<StoredRecord> | null | undefined
  const isRecord =
    Number.isSafeInteger(record?.bytes) &&
    /^[0-9a-f]{64}$/.test(String(record?.sha256)) &&
    typeof record?.meta === 'object'
  return isRecord ? (record as StoredRecord) : undefined
}

/**
 * The error for a body of another size than announced.
 *
 * @param announced length in bytes
 */
export function wrongLength(announced: number): RangeError {
  return new RangeError(`The body does not have the ${announced} bytes that were announced.`)
}

/** The error for a copy that was deleted between two steps. */
export function copyGone(): CfileError {
  return new CfileError('file_not_found', 'The archived copy was deleted during the request.')
}

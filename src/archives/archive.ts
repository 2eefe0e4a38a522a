/**
 * Copies of files that outlive their containers, behind five methods. `memory.ts` is the reference;
 * `test/archives/contract.ts` is the judge of every engine.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import { parseJson } from '../core/http/body.ts'
import type { ByteRange } from '../core/http/range.ts'

/** What is kept beside the bytes. */
export interface ArchiveMeta {
  /** The file's name, as it is shown. */
  readonly name?: string
  /** Its media type. */
  readonly type?: string
  /** The key of the caller whom it belongs to. */
  readonly owner: string
  /** Where it came from: the upstream's name and Azure's ids. */
  readonly upstream?: string
  readonly container_id?: string
  readonly file_id: string
  /** What the container's own list said of it: where it lay, who wrote it, when (unix second). */
  readonly path?: string
  readonly source?: string
  readonly created_at?: number
}

/** What a whole copy is: its size, its SHA-256 in hex, and what is kept beside it. */
export interface ArchiveRecord {
  readonly bytes: number
  readonly sha256: string
  readonly meta: ArchiveMeta
}

/** A record as it is stored. */
export interface StoredRecord extends ArchiveRecord {
  /** The name under which the bytes lie, where the key alone does not tell. */
  readonly body: string
}

/** A whole copy. */
export interface ArchivedFile extends ArchiveRecord {
  readonly key: string
  /** Unix second in which the copy was made. */
  readonly storedAt: number
  /**
   * Opens the bytes, or those of a range that lies within the file. The stream breaks rather than end early; that of a
   * whole copy passes its last bytes only when the hash of all is that of the record.
   *
   * @throws CfileError `file_not_found` where the copy was deleted meanwhile, `not_ready` where the archive fails
   * @throws DamagedCopy, also from the stream, where the bytes are not those that were copied
   */
  open(options?: OpenOptions): Promise<ReadableStream<Uint8Array>>
}

/** Options of {@link ArchivedFile.open}. */
export interface OpenOptions {
  readonly range?: ByteRange
  /** Ends the wait for the stream; an engine that can breaks the stream too, when it fires later. */
  readonly signal?: AbortSignal
}

/** Options of {@link Archive.put}. */
export interface ArchivePutOptions {
  /** How many bytes must come; absent where nobody knows. */
  readonly bytes?: number
  readonly signal?: AbortSignal
}

/** Options of the methods that only wait. */
export interface ArchiveOptions {
  readonly signal?: AbortSignal
}

/** Options of {@link Archive.list}. */
export interface ArchiveListOptions extends ArchiveOptions {
  /** Only what belongs to this owner. */
  readonly owner?: string
}

/** Options of {@link Archive.sweep}. */
export interface ArchiveSweepOptions extends ArchiveOptions {
  /** Unix second; what was begun later may be a copy that is still under way, and stays. */
  readonly before: number
}

/** A copy in a list. */
export interface ListedFile {
  readonly key: string
  /** Unix second. */
  readonly storedAt: number
}

/**
 * A map from keys (`<owner>/<file id>`, see {@link parseArchiveKey}) to whole copies. Where it fails, each method throws
 * a CfileError `not_ready`.
 */
export interface Archive {
  /**
   * Copies a body, and shows the copy only when it is whole; until then, and if it fails, what was there before stays.
   * The body is read to its end or cancelled.
   *
   * @throws RangeError where the body has another length than announced
   */
  put(
    key: string,
    body: ReadableStream<Uint8Array>,
    meta: ArchiveMeta,
    options?: ArchivePutOptions,
  ): Promise<ArchiveRecord>
  get(key: string, options?: ArchiveOptions): Promise<ArchivedFile | undefined>
  /** Removes the copy, and what earlier copies of the file may have left. */
  delete(key: string, options?: ArchiveOptions): Promise<void>
  /** The whole copies, each owner's together. */
  list(options?: ArchiveListOptions): AsyncIterable<ListedFile>
  /** Removes what copies left behind that died halfway. */
  sweep(options: ArchiveSweepOptions): Promise<void>
}

/** A SHA-256 that is fed piece by piece; WebCrypto has none. */
export interface Sha256 {
  /** A chunk may be reused once this is done. */
  update(chunk: Uint8Array<ArrayBuffer>): void | Promise<void>
  /** In hex. */
  digest(): string | Promise<string>
}

/** Begins a SHA-256 with what the runtime has: `node:crypto`, or `crypto.DigestStream` in workerd. */
export type CreateSha256 = () => Sha256

/**
 * Checks a key: the owner's key and the file's id, each 1 to 128 of `A-Z a-z 0-9 _ -`. No name of a file is ever part
 * of where it is stored.
 *
 * @throws CfileError `invalid_id`
 */
export function parseArchiveKey(key: string): string {
  if (/^[A-Za-z0-9_-]{1,128}\/[A-Za-z0-9_-]{1,128}$/.test(key)) return key
  throw new CfileError('invalid_id', 'The key of an archived file is its owner, "/", and its id.')
}

/**
 * Checks the first part of a key.
 *
 * @throws CfileError `invalid_id`
 */
export function parseOwner(owner: string): string {
  parseArchiveKey(`${owner}/_`)
  return owner
}

/**
 * Reads a record as an engine stored it: JSON of the {@link ArchiveRecord} and what else the engine put in.
 *
 * @returns `undefined` for what is none
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

/** The length of a body is not the one that was announced. */
export function wrongLength(announced: number): RangeError {
  return new RangeError(`The body does not have the ${announced} bytes that were announced.`)
}

/** The copy went away between two steps. */
export function copyGone(): CfileError {
  return new CfileError('file_not_found', 'The archived copy was deleted while it was asked for.')
}

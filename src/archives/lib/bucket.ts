/**
 * An archive in a bucket: in whatever maps names to bytes and shows an object only when it is whole.
 *
 * Each copy is two objects. The bytes go to `files/<owner>/<id>.<unique>`, a name that is never used again, so that no
 * download ever sees them change. Then `records/<owner>/<id>.json` is written, which names them: that is the moment in
 * which the copy exists. A copy that dies before leaves bytes that no record names; a sweep finds those by walking
 * through both folders side by side.
 *
 * @module
 */

import { DamagedCopy } from '../../core/bytes/failures.ts'
import { cutStream, exactLength } from '../../core/bytes/limit.ts'
import type { ByteRange } from '../../core/http/range.ts'
import {
  type Archive,
  type ArchivePutOptions,
  type ArchiveRecord,
  type CreateSha256,
  copyGone,
  type ListedFile,
  parseArchiveKey,
  parseArchiveRecord,
  parseOwner,
  type StoredRecord,
  wrongLength,
} from '../archive.ts'
import { createBudget } from './budget.ts'
import { type PartReader, readParts } from './parts.ts'
import { isWholeRange, verifyBody } from './verify.ts'

/** Bytes as a bucket takes them. */
export type Bytes = Uint8Array<ArrayBuffer>

/** What an engine does. Names are `A-Z a-z 0-9 _ - . /`; every failure is a CfileError `not_ready`. */
export interface Bucket {
  /** Larger objects are uploaded in parts of this size. */
  readonly partBytes: number
  /** Writes an object, or replaces it, in one step. */
  write(name: string, bytes: Bytes, signal?: AbortSignal): Promise<void>
  /** Begins an object that becomes visible with {@link Upload.finish}. */
  startUpload(name: string, signal?: AbortSignal): Promise<Upload>
  /** Opens an object, or a range that lies within it. */
  read(name: string, options: ReadOptions): Promise<BucketObject | undefined>
  /** Removes an object, also one that is not there. */
  remove(name: string, signal?: AbortSignal): Promise<void>
  /** The objects whose name starts with the prefix, in the order of their names. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<BucketEntry>
  /** Gives up uploads that were begun before a unix second; absent where the engine does so itself. */
  abandon?(before: number, signal?: AbortSignal): Promise<void>
}

/** An object that is being uploaded. */
export interface Upload {
  /** Adds a part; all but the last have {@link Bucket.partBytes}. */
  add(bytes: Bytes, signal?: AbortSignal): Promise<void>
  finish(signal?: AbortSignal): Promise<void>
  /** Frees what was uploaded; never throws. */
  abort(): Promise<void>
}

/** Options of {@link Bucket.read}. */
export interface ReadOptions {
  readonly range?: ByteRange
  readonly signal?: AbortSignal
}

/** An object that was opened. */
export interface BucketObject {
  /** What the engine says will come; absent where it says nothing. */
  readonly bytes?: number
  /** Unix second in which the object was written. */
  readonly modifiedAt: number
  readonly body: ReadableStream<Uint8Array>
}

/** An object in a list. */
export interface BucketEntry {
  readonly name: string
  /** Unix second. */
  readonly modifiedAt: number
}

/** Options of {@link bucketArchive}. */
export interface BucketArchiveOptions {
  readonly bucket: Bucket
  readonly createSha256: CreateSha256
  /** A text that was never used before, of letters, digits and `-`: `crypto.randomUUID`. */
  readonly newName: () => string
  /** Bytes that all copies together hold in memory; copies beyond it wait. @default two parts */
  readonly memoryBytes?: number
}

const files = 'files/'
const records = 'records/'
const bodyName = (key: string, unique: string): string => `${files}${key}.${unique}`
const recordName = (key: string): string => `${records}${key}.json`

/** Makes an archive of a bucket. */
export function bucketArchive(options: BucketArchiveOptions): Archive {
  const { bucket, newName, createSha256 } = options
  const copy = copier(options)

  async function readRecord(key: string, signal?: AbortSignal): Promise<FoundRecord | undefined> {
    const found = await bucket.read(recordName(key), { signal })
    if (found === undefined) return undefined
    const record = parseArchiveRecord(new Uint8Array(await new Response(found.body).arrayBuffer()))
    const { modifiedAt: storedAt } = found
    return record?.body === undefined ? undefined : { ...record, body: record.body, storedAt }
  }

  async function open(key: string, record: StoredRecord, { range, signal }: ReadOptions) {
    const part = isWholeRange(record, range) ? undefined : range
    const found = await bucket.read(bodyName(key, record.body), { range: part, signal })
    if (found === undefined) throw await whyMissing(key, record)
    return part === undefined
      ? verifyBody(found.body, record, createSha256)
      : readRange(found, record.bytes, part)
  }

  async function whyMissing(key: string, { body }: StoredRecord): Promise<Error> {
    const isNamed = (await readRecord(key))?.body === body
    return isNamed ? new DamagedCopy('Its bytes are not there.') : copyGone()
  }

  return {
    async put(key, body, meta, { bytes, signal } = {}) {
      const reader = readParts(body)
      try {
        const unique = newName()
        const copied = await copy(bodyName(parseArchiveKey(key), unique), reader, { bytes, signal })
        const earlier = await readRecord(key, signal)
        const record = new TextEncoder().encode(JSON.stringify({ ...copied, meta, body: unique }))
        await bucket.write(recordName(key), record, signal)
        if (earlier !== undefined) await bucket.remove(bodyName(key, earlier.body), signal)
        return { ...copied, meta }
      } catch (error) {
        await reader.cancel(error).catch(() => {})
        throw error
      }
    },

    async get(key, { signal } = {}) {
      const record = await readRecord(parseArchiveKey(key), signal)
      if (record === undefined) return undefined
      const { bytes, sha256, meta, storedAt } = record
      const found = { key, bytes, sha256, meta, storedAt }
      return { ...found, open: (options = {}) => open(key, record, options) }
    },

    async delete(key, { signal } = {}) {
      await bucket.remove(recordName(parseArchiveKey(key)), signal)
      for await (const { name } of bucket.list(bodyName(key, ''), signal))
        await bucket.remove(name, signal)
    },

    async *list({ owner, signal } = {}) {
      yield* listed(bucket, owner === undefined ? '' : `${parseOwner(owner)}/`, signal)
    },

    async sweep({ before, signal }) {
      await bucket.abandon?.(before, signal)
      for await (const { key, bodies } of unrecorded(bucket, signal)) {
        // Asked for itself, since it may have been written after the list was.
        const record = await readRecord(key, signal)
        for (const { name, modifiedAt } of bodies) {
          const isNamed = record !== undefined && name === bodyName(key, record.body)
          if (!isNamed && modifiedAt < before) await bucket.remove(name, signal)
        }
      }
    },
  }
}

interface FoundRecord extends StoredRecord {
  readonly storedAt: number
}

/** The bytes of a range, of an object that was opened for it. */
function readRange(
  { body, bytes: announced }: BucketObject,
  bytes: number,
  range: ByteRange,
): ReadableStream<Uint8Array> {
  const expected = range.end - range.start + 1
  if (announced === expected) return body
  // Some that speak S3 take `bytes=0-0` for no range.
  const part = announced === bytes ? body.pipeThrough(cutStream(range)) : body
  return part.pipeThrough(exactLength(expected))
}

/** Bytes in hex. */
export function toHex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

type Copy = (
  name: string,
  reader: PartReader,
  options: ArchivePutOptions,
) => Promise<Pick<ArchiveRecord, 'bytes' | 'sha256'>>

/** Copies bodies of any length, of which all copies together hold no more than the budget in memory. */
function copier({ bucket, createSha256, memoryBytes }: BucketArchiveOptions): Copy {
  const { partBytes } = bucket
  const budget = createBudget(memoryBytes ?? 2 * partBytes)

  return async (name, reader, { bytes, signal }) => {
    const hash = createSha256()
    let upload: Upload | undefined
    let total = 0

    /** Copies the next part; resolves to whether it was the last. */
    async function copyPart(size: number): Promise<boolean> {
      const part = await reader.read(size)
      total += part.byteLength
      const isLast = part.byteLength < size || total === bytes
      if (isLast) await checkEnd(reader, total, bytes)
      await hash.update(part)
      if (isLast && upload === undefined) await bucket.write(name, part, signal)
      else {
        upload ??= await bucket.startUpload(name, signal)
        if (part.byteLength > 0) await upload.add(part, signal)
      }
      return isLast
    }

    try {
      for (let isLast = false; !isLast; ) {
        signal?.throwIfAborted()
        const size = Math.min(partBytes, bytes === undefined ? partBytes : bytes - total)
        const giveBack = await budget.take(size, signal)
        isLast = await copyPart(size).finally(giveBack)
      }
      await upload?.finish(signal)
      return { bytes: total, sha256: await hash.digest() }
    } catch (error) {
      await upload?.abort()
      throw error
    }
  }
}

async function checkEnd(reader: PartReader, total: number, bytes?: number): Promise<void> {
  if (bytes === undefined) return
  if (total !== bytes || (await reader.read(1)).byteLength > 0) throw wrongLength(bytes)
}

const recordGrammar = /^records\/([\w-]+\/[\w-]+)\.json$/
const bodyGrammar = /^files\/([\w-]+\/[\w-]+)\.[\w-]+$/

async function* listed(
  bucket: Bucket,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<ListedFile> {
  for await (const { name, modifiedAt } of bucket.list(records + prefix, signal)) {
    const key = recordGrammar.exec(name)?.[1]
    if (key !== undefined) yield { key, storedAt: modifiedAt }
  }
}

interface Bodies {
  readonly key: string
  readonly bodies: BucketEntry[]
}

/** The keys that have more bodies than records. */
async function* unrecorded(bucket: Bucket, signal?: AbortSignal): AsyncGenerator<Bodies> {
  const recorded = listed(bucket, '', signal)
  let next = await recorded.next()
  for await (const group of grouped(bucket, signal)) {
    // In both folders the key is followed by a dot, so both are in the same order.
    while (!next.done && `${next.value.key}.` < `${group.key}.`) next = await recorded.next()
    const isRecorded = !next.done && next.value.key === group.key
    if (group.bodies.length > (isRecorded ? 1 : 0)) yield group
  }
}

async function* grouped(bucket: Bucket, signal?: AbortSignal): AsyncGenerator<Bodies> {
  let group: Bodies | undefined
  for await (const entry of bucket.list(files, signal)) {
    const key = bodyGrammar.exec(entry.name)?.[1]
    if (key === undefined) continue
    if (group?.key !== key) {
      if (group !== undefined) yield group
      group = { key, bodies: [] }
    }
    group.bodies.push(entry)
  }
  if (group !== undefined) yield group
}

/**
 * An archive in a bucket, which is any store that maps names to bytes and shows only complete objects.
 *
 * Each copy consists of two objects. The bytes go to `files/<owner>/<id>.<unique>`, a name that is never reused, so
 * that downloads never see them change. Then the record is written to `records/<owner>/<id>.json`; it names the bytes
 * and makes the copy visible. An interrupted copy leaves bytes that no record names. {@link Archive.removeLeftovers} finds them
 * by reading both lists in parallel.
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
import { createBudget, type PartReader, readParts } from './parts.ts'
import { isWholeRange, verifyBody } from './verify.ts'

/** Bytes in the form that buckets accept. */
type Bytes = Uint8Array<ArrayBuffer>

/** The operations of an engine. Names consist of `A-Z a-z 0-9 _ - . /`. Every failure is a CfileError `not_ready`. */
export interface Bucket {
  /** Part size in bytes. Larger objects are uploaded in parts. */
  readonly partBytes: number
  /** Writes or replaces an object in one step. */
  write(name: string, bytes: Bytes, signal?: AbortSignal): Promise<void>
  /** Begins an object that becomes visible with {@link Upload.finish}. */
  startUpload(name: string, signal?: AbortSignal): Promise<Upload>
  /** Opens an object or a range within it; `undefined` if there is none. */
  read(name: string, options: ReadOptions): Promise<BucketObject | undefined>
  /** Removes an object. An absent object is no error. */
  remove(name: string, signal?: AbortSignal): Promise<void>
  /** The objects whose name starts with the prefix, in the order of their names. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<BucketEntry>
  /** Cancels uploads that began before a unix second. Absent if the engine does this itself. */
  abandon?(before: number, signal?: AbortSignal): Promise<void>
}

/** An object during its upload. */
export interface Upload {
  /** Adds a part. All parts except the last have {@link Bucket.partBytes}. */
  add(bytes: Bytes, signal?: AbortSignal): Promise<void>
  finish(signal?: AbortSignal): Promise<void>
  /** Frees the uploaded parts. Never throws. */
  abort(): Promise<void>
}

/** Options of {@link Bucket.read}. */
export interface ReadOptions {
  readonly range?: ByteRange
  readonly signal?: AbortSignal
}

/** An open object. */
export interface BucketObject {
  /** Number of bytes that the engine announces, if any. */
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
  /** Returns a unique text of letters, digits and `-`, as `crypto.randomUUID` does. */
  readonly newName: () => string
  /** Memory limit for all copies together, in bytes. Further copies wait. @default two parts */
  readonly memoryBytes?: number
}

const files = 'files/'
const records = 'records/'
const bodyName = (key: string, unique: string): string => `${files}${key}.${unique}`
const recordName = (key: string): string => `${records}${key}.json`

/** The prefix of all names in a folder, with or without slashes around it: `''` for the root, else it ends with a slash. */
export function folderPrefix(folder: string): string {
  const name = folder.replace(/^\/+|\/+$/g, '')
  return name === '' ? '' : `${name}/`
}

/**
 * Creates an archive in a bucket.
 *
 * @param options the engine's operations, and the memory limit
 * @throws (by each method) what {@link Archive} says; DamagedCopy for bytes that are missing or changed
 */
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
    return isNamed ? new DamagedCopy('Its bytes are missing.') : copyGone()
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

    async removeLeftovers({ before, signal }) {
      await bucket.abandon?.(before, signal)
      for await (const { key, bodies } of unrecorded(bucket, signal)) {
        // Read again, because the record may be newer than the list.
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

/** Reads a range from an object that was opened for it. */
function readRange(
  { body, bytes: announced }: BucketObject,
  bytes: number,
  range: ByteRange,
): ReadableStream<Uint8Array> {
  const expected = range.end - range.start + 1
  if (announced === expected) return body
  // Some compatible services ignore `bytes=0-0`.
  const part = announced === bytes ? body.pipeThrough(cutStream(range)) : body
  return part.pipeThrough(exactLength(expected))
}

type Copy = (
  name: string,
  reader: PartReader,
  options: ArchivePutOptions,
) => Promise<Pick<ArchiveRecord, 'bytes' | 'sha256'>>

/** Creates a function that copies bodies of any size. All copies together stay within the memory limit. */
function copier({ bucket, createSha256, memoryBytes }: BucketArchiveOptions): Copy {
  const { partBytes } = bucket
  const budget = createBudget(memoryBytes ?? 2 * partBytes)

  return async (name, reader, { bytes, signal }) => {
    const hash = createSha256()
    let upload: Upload | undefined
    let total = 0

    /** Copies the next part; resolves to whether it was the last one. */
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

/** Finds keys with more bodies than records. */
async function* unrecorded(bucket: Bucket, signal?: AbortSignal): AsyncGenerator<Bodies> {
  const recorded = listed(bucket, '', signal)
  let next = await recorded.next()
  for await (const group of grouped(bucket, signal)) {
    // In both folders a dot follows the key, so both lists have the same order.
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

/**
 * An archive in a folder. Bytes are in `files/<owner>/<id>.<sha256>`, so that a file's own name tells whether it is
 * whole, and `records/<owner>/<id>.json` says that there is a copy. Both are written in `partial/`, brought to the disk
 * (fsync) and only then moved to where they are seen. Several processes may share the folder.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Archive,
  type ArchivePutOptions,
  type ArchiveRecord,
  copyGone,
  type ListedFile,
  type OpenOptions,
  parseArchiveKey,
  parseArchiveRecord,
  parseOwner,
  wrongLength,
} from './archive.ts'
import {
  disk,
  ifThere,
  makeFolder,
  modifiedAt,
  moveInto,
  namesIn,
  remove,
  type Write,
  writeWhole,
} from './disk.ts'
import { halfCopyName, isLeftOver } from './half-copies.ts'

/** Options of {@link fsArchive}. */
export interface FsArchiveOptions {
  /** Made when the first copy is; it and all in it can be read by this user only. */
  readonly folder: string
}

const chunkBytes = 256 * 1024

/** Keeps copies in a folder of their own. */
export function fsArchive({ folder }: FsArchiveOptions): Archive {
  const records = join(folder, 'records')
  const files = join(folder, 'files')
  const partial = join(folder, 'partial')
  const recordPath = (key: string): string => join(records, `${parseArchiveKey(key)}.json`)
  const bodyPath = (key: string, sha256: string): string => join(files, `${key}.${sha256}`)

  async function readRecord(key: string): Promise<ArchiveRecord | undefined> {
    const stored = await ifThere('read', () => readFile(recordPath(key)))
    return stored && parseArchiveRecord(stored)
  }

  /** Makes a copy visible: first its bytes, then the record that says so. */
  async function show(temporary: string, key: string, record: ArchiveRecord): Promise<void> {
    const earlier = await readRecord(key)
    await disk('rename', () => moveInto(temporary, bodyPath(key, record.sha256)))
    await writeWhole(temporary, (write) => write(Buffer.from(JSON.stringify(record))))
    await disk('rename', () => moveInto(temporary, recordPath(key)))
    if (earlier === undefined || earlier.sha256 === record.sha256) return
    await remove(bodyPath(key, earlier.sha256))
  }

  return {
    async put(key, body, meta, options = {}) {
      const reader = body.getReader()
      const temporary = join(partial, halfCopyName())
      try {
        parseArchiveKey(key)
        await disk('mkdir', () => makeFolder(partial))
        const copied = await writeWhole(temporary, (write) => copyParts(reader, write, options))
        const record: ArchiveRecord = { ...copied, meta }
        await show(temporary, key, record)
        return record
      } catch (error) {
        await reader.cancel(error).catch(() => {})
        await remove(temporary).catch(() => {})
        throw error
      }
    },

    async get(key) {
      const record = await readRecord(key)
      if (record === undefined) return undefined
      const { bytes, sha256 } = record
      const path = bodyPath(key, sha256)
      return { key, ...record, open: (options = {}) => openBytes(path, bytes, options) }
    },

    async delete(key) {
      await remove(recordPath(key))
      for (const path of await bodiesOf(files, key)) await remove(path)
    },

    async *list({ owner, signal } = {}) {
      const owners = owner === undefined ? await namesIn(records) : [parseOwner(owner)]
      for (const one of owners) {
        for (const name of await namesIn(join(records, one))) {
          signal?.throwIfAborted()
          const listed = await toListed(records, one, name)
          if (listed !== undefined) yield listed
        }
      }
    },

    async sweep({ before, signal }) {
      for (const name of await namesIn(partial)) {
        signal?.throwIfAborted()
        const path = join(partial, name)
        if (await isLeftOver(path, before)) await remove(path)
      }
      for (const owner of await namesIn(files)) {
        for (const name of await namesIn(join(files, owner))) {
          signal?.throwIfAborted()
          await removeUnrecorded(join(files, owner, name), `${owner}/${name}`, before)
        }
      }
    },
  }

  /** Bytes whose record was never written, or names others by now. */
  async function removeUnrecorded(path: string, name: string, before: number): Promise<void> {
    const [, key, sha256] = /^([\w-]+\/[\w-]+)\.([0-9a-f]{64})$/.exec(name) ?? []
    if (key === undefined || (await modifiedAt(path)) >= before) return
    if ((await readRecord(key))?.sha256 !== sha256) await remove(path)
  }
}

async function copyParts(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  write: Write,
  { bytes, signal }: ArchivePutOptions,
): Promise<Pick<ArchiveRecord, 'bytes' | 'sha256'>> {
  const hash = createHash('sha256')
  let total = 0
  for (;;) {
    signal?.throwIfAborted()
    // Each chunk as it comes: gathered into larger ones, many copies at a time would fill the memory.
    const { done, value } = await reader.read()
    if (done) break
    total += value.byteLength
    if (total > (bytes ?? total)) break
    hash.update(value)
    await write(value)
  }
  if (bytes !== undefined && total !== bytes) throw wrongLength(bytes)
  return { bytes: total, sha256: hash.digest('hex') }
}

/** Opened at once, so that the bytes stay readable while the file is replaced or deleted. */
async function openBytes(
  path: string,
  bytes: number,
  { range = { start: 0, end: bytes - 1 }, signal }: OpenOptions,
): Promise<ReadableStream<Uint8Array>> {
  signal?.throwIfAborted()
  const opened = await ifThere('open', () => open(path, 'r'))
  if (opened === undefined) throw copyGone()
  const file = opened
  let at = range.start

  async function next(): Promise<Uint8Array | undefined> {
    signal?.throwIfAborted()
    const left = range.end + 1 - at
    if (left === 0) return undefined
    const buffer = new Uint8Array(Math.min(chunkBytes, left))
    const { bytesRead } = await disk('read', () => file.read(buffer, 0, buffer.byteLength, at))
    if (bytesRead === 0) throw wrongLength(bytes)
    at += bytesRead
    return buffer.subarray(0, bytesRead)
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const chunk = await next()
          if (chunk !== undefined) return controller.enqueue(chunk)
          await file.close()
          controller.close()
        } catch (error) {
          await file.close().catch(() => {})
          controller.error(error)
        }
      },
      cancel: () => file.close(),
    },
    { highWaterMark: 0 },
  )
}

async function bodiesOf(files: string, key: string): Promise<string[]> {
  const [owner = '', id = ''] = key.split('/')
  const names = await namesIn(join(files, owner))
  return names.filter((name) => name.startsWith(`${id}.`)).map((name) => join(files, owner, name))
}

async function toListed(
  records: string,
  owner: string,
  name: string,
): Promise<ListedFile | undefined> {
  const key = `${owner}/${name.replace(/\.json$/, '')}`
  const storedAt = await modifiedAt(join(records, owner, name))
  return Number.isFinite(storedAt) ? { key, storedAt } : undefined
}

/**
 * An archive in a folder of the file system.
 *
 * Bytes are stored in `files/<owner>/<id>.<sha256>`, so the file name shows whether they are complete.
 * `records/<owner>/<id>.json` makes the copy visible. Both are written to `partial/`, synced to disk, and then moved.
 * Several processes may share the folder. Each process verifies a file completely when it first opens it, and again
 * after the file changed. Symbolic links are not followed.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { DamagedCopy } from '../core/bytes/failures.ts'
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
  type Sha256,
  wrongLength,
} from './archive.ts'
import {
  disk,
  isLeftover,
  makeFolder,
  modifiedAt,
  moveInto,
  namesIn,
  openFile,
  readRange,
  refuseLinks,
  remove,
  temporaryName,
  type Write,
  writeWhole,
} from './lib/disk.ts'
import { isWholeRange, verifyBody } from './lib/verify.ts'

/** Options of {@link fsArchive}. */
export interface FsArchiveOptions {
  /** Created with the first copy. Only this user can read the folder and its content. */
  readonly folder: string
}

/**
 * Creates an archive in a folder.
 *
 * @param options the folder; archives of several processes may share it
 * @throws (by each method) CfileError `not_ready` for a full disk or missing permissions
 */
export function fsArchive({ folder }: FsArchiveOptions): Archive {
  const records = join(folder, 'records')
  const files = join(folder, 'files')
  const partial = join(folder, 'partial')
  const recordPath = (key: string): string => join(records, `${parseArchiveKey(key)}.json`)
  const bodyPath = (key: string, sha256: string): string => join(files, `${key}.${sha256}`)
  const verifyOnce = createFileVerifier()

  async function readRecord(key: string): Promise<FoundRecord | undefined> {
    const path = recordPath(key)
    await refuseLinks(folder, 'records', ownerOf(key))
    const file = await openFile(path)
    if (file === undefined) return undefined
    try {
      const [stored, { mtimeMs }] = await disk('read', () =>
        Promise.all([file.readFile(), file.stat()]),
      )
      const record = parseArchiveRecord(stored)
      return record && { ...record, storedAt: Math.floor(mtimeMs / 1000) }
    } finally {
      await file.close()
    }
  }

  /** Makes a copy visible: first its bytes, then its record. */
  async function publish(temporary: string, key: string, record: ArchiveRecord): Promise<void> {
    const earlier = await readRecord(key)
    const body = bodyPath(key, record.sha256)
    await refuseLinks(folder, 'files', ownerOf(key))
    await disk('rename', () => moveInto(temporary, body))
    await writeWhole(temporary, (write) => write(Buffer.from(JSON.stringify(record))))
    await disk('rename', () => moveInto(temporary, recordPath(key)))
    if (earlier === undefined || earlier.sha256 === record.sha256) return
    await remove(bodyPath(key, earlier.sha256))
  }

  /** Opens the bytes of a copy. They stay readable when the file is replaced or deleted. */
  async function open(key: string, record: ArchiveRecord, { range, signal }: OpenOptions) {
    signal?.throwIfAborted()
    const { bytes, sha256 } = record
    await refuseLinks(folder, 'files', ownerOf(key))
    const path = bodyPath(key, sha256)
    const file = await openFile(path)
    if (file === undefined) throw await whyMissing(key, record)
    try {
      const isVerified = await verifyOnce(file, path, record, signal)
      const body = readRange(file, range ?? { start: 0, end: bytes - 1 }, signal)
      return isVerified || !isWholeRange(record, range)
        ? body
        : verifyBody(body, record, nodeSha256)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async function whyMissing(key: string, { sha256 }: ArchiveRecord): Promise<Error> {
    const isNamed = (await readRecord(key))?.sha256 === sha256
    return isNamed ? new DamagedCopy('Its bytes are missing.') : copyGone()
  }

  /** Removes bytes whose record was never written or now names other bytes. */
  async function removeUnrecorded(path: string, name: string, before: number): Promise<void> {
    const [, key, sha256] = /^([\w-]+\/[\w-]+)\.([0-9a-f]{64})$/.exec(name) ?? []
    if (key === undefined || (await modifiedAt(path)) >= before) return
    if ((await readRecord(key))?.sha256 !== sha256) await remove(path)
  }

  return {
    async put(key, body, meta, options = {}) {
      const reader = body.getReader()
      const temporary = join(partial, temporaryName())
      try {
        parseArchiveKey(key)
        await refuseLinks(folder, 'partial')
        await disk('mkdir', () => makeFolder(partial))
        const copied = await writeWhole(temporary, (write) => copyParts(reader, write, options))
        const record: ArchiveRecord = { ...copied, meta }
        await publish(temporary, key, record)
        return record
      } catch (error) {
        await reader.cancel(error).catch(() => {})
        await remove(temporary).catch(() => {})
        throw error
      }
    },

    async get(key) {
      const record = await readRecord(key)
      return record && { key, ...record, open: (options = {}) => open(key, record, options) }
    },

    async delete(key) {
      parseArchiveKey(key)
      for (const name of ['records', 'files']) await refuseLinks(folder, name, ownerOf(key))
      await remove(recordPath(key))
      for (const path of await bodiesOf(files, key)) await remove(path)
    },

    async *list({ owner, signal } = {}) {
      await refuseLinks(folder, 'records')
      const owners = await namesIn(records, 'folders')
      const wanted = owner === undefined ? owners : owners.filter(isSame(parseOwner(owner)))
      for (const one of wanted) {
        for (const name of await namesIn(join(records, one), 'files')) {
          signal?.throwIfAborted()
          const listed = await toListed(records, one, name)
          if (listed !== undefined) yield listed
        }
      }
    },

    async removeLeftovers({ before, signal }) {
      for (const name of ['partial', 'files']) await refuseLinks(folder, name)
      for (const name of await namesIn(partial, 'files')) {
        signal?.throwIfAborted()
        const path = join(partial, name)
        if (await isLeftover(path, before)) await remove(path)
      }
      for (const owner of await namesIn(files, 'folders')) {
        for (const name of await namesIn(join(files, owner), 'files')) {
          signal?.throwIfAborted()
          await removeUnrecorded(join(files, owner, name), `${owner}/${name}`, before)
        }
      }
    },
  }
}

interface FoundRecord extends ArchiveRecord {
  readonly storedAt: number
}

const ownerOf = (key: string): string => key.split('/')[0] ?? ''
const isSame = (one: string) => (other: string) => one === other

/** Creates a SHA-256 with `node:crypto`. */
export function nodeSha256(): Sha256 {
  const hash = createHash('sha256')
  return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest('hex') }
}

/**
 * Writes a body and hashes it on the way.
 *
 * @param reader of the body
 * @param write appends to the file
 * @throws RangeError if the body does not have the announced size
 */
async function copyParts(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  write: Write,
  { bytes, signal }: ArchivePutOptions,
): Promise<Pick<ArchiveRecord, 'bytes' | 'sha256'>> {
  const hash = nodeSha256()
  let total = 0
  for (;;) {
    signal?.throwIfAborted()
    // Chunks are written as they come. Buffering would fill the memory with many simultaneous copies.
    const { done, value } = await reader.read()
    if (done) break
    total += value.byteLength
    if (total > (bytes ?? total)) break
    hash.update(value as Uint8Array<ArrayBuffer>)
    await write(value)
  }
  if (bytes !== undefined && total !== bytes) throw wrongLength(bytes)
  return { bytes: total, sha256: await hash.digest() }
}

/**
 * Verifies an open file, unless this process has verified it in its current state.
 *
 * @returns whether the file was read
 * @throws DamagedCopy if size or hash differ from the record
 */
type VerifyOnce = (
  file: FileHandle,
  path: string,
  record: ArchiveRecord,
  signal?: AbortSignal,
) => Promise<boolean>

// About the number of files in use at a time. A file whose mark was dropped is verified once more.
const mostMarks = 10_000

/** Creates a {@link VerifyOnce}. The state of a file is its inode and the time of its last change. */
function createFileVerifier(): VerifyOnce {
  const marks = new Map<string, string>()
  return async (file, path, record, signal) => {
    const { ino, size, ctimeNs } = await disk('stat', () => file.stat({ bigint: true }))
    if (Number(size) !== record.bytes) {
      throw new DamagedCopy(`Its size is not ${record.bytes} bytes.`)
    }
    const mark = `${ino} ${ctimeNs}`
    if (marks.get(path) === mark) return false
    const body = readRange(file, { start: 0, end: record.bytes - 1 }, signal, { isKeptOpen: true })
    for await (const _ of verifyBody(body, record, nodeSha256));
    marks.delete(path)
    marks.set(path, mark)
    const [oldest = ''] = marks.keys()
    if (marks.size > mostMarks) marks.delete(oldest)
    return true
  }
}

/**
 * The bytes of a key: those of its record, and those of copies that were interrupted or replaced.
 *
 * @param files folder of the bytes
 */
async function bodiesOf(files: string, key: string): Promise<string[]> {
  const [owner = '', id = ''] = key.split('/')
  const names = await namesIn(join(files, owner), 'files')
  return names.filter((name) => name.startsWith(`${id}.`)).map((name) => join(files, owner, name))
}

/**
 * An entry for a record; `undefined` if the record was deleted meanwhile.
 *
 * @param records folder of the records
 * @param name file name of the record
 */
async function toListed(
  records: string,
  owner: string,
  name: string,
): Promise<ListedFile | undefined> {
  const key = `${owner}/${name.replace(/\.json$/, '')}`
  const storedAt = await modifiedAt(join(records, owner, name))
  return Number.isFinite(storedAt) ? { key, storedAt } : undefined
}

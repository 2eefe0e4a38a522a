/**
 * The steps that an archive in a folder takes on a disk; each failure of the file system names its step.
 *
 * @module
 */

import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DamagedCopy } from '../../core/bytes/failures.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import type { ByteRange } from '../../core/http/range.ts'

/** When a file was last changed: a unix second; of what is gone, later than any. */
export async function modifiedAt(path: string): Promise<number> {
  const found = await ifThere('stat', () => lstat(path))
  return found === undefined ? Number.POSITIVE_INFINITY : Math.floor(found.mtimeMs / 1000)
}

/** The names of the files, or of the folders, in a folder, in order; none where there is no folder. Links are neither. */
export async function namesIn(folder: string, kind: 'files' | 'folders'): Promise<string[]> {
  const found = (await ifThere('list', () => readdir(folder, { withFileTypes: true }))) ?? []
  return found
    .filter((entry) => (kind === 'files' ? entry.isFile() : entry.isDirectory()))
    .map(({ name }) => name)
    .sort()
}

// A link must not be followed, nor a pipe be waited for.
const readOnly = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Opens a file; `undefined` where there is none, or something else in its place. */
export async function openFile(path: string): Promise<FileHandle | undefined> {
  const file = await ifThere('open', () => open(path, readOnly), ['ENOENT', 'ELOOP', 'ENXIO'])
  if (file === undefined || (await disk('stat', () => file.stat())).isFile()) return file
  await file.close()
  return undefined
}

const chunkBytes = 256 * 1024

/** The bytes of a range of an open file, which is closed behind them. */
export function readRange(
  file: FileHandle,
  { start, end }: ByteRange,
  signal?: AbortSignal,
  { isKeptOpen = false }: { readonly isKeptOpen?: boolean } = {},
): ReadableStream<Uint8Array> {
  let at = start
  const close = async (): Promise<void> => {
    if (!isKeptOpen) await file.close()
  }

  async function next(): Promise<Uint8Array | undefined> {
    signal?.throwIfAborted()
    const left = end + 1 - at
    if (left === 0) return undefined
    const buffer = new Uint8Array(Math.min(chunkBytes, left))
    const { bytesRead } = await disk('read', () => file.read(buffer, 0, buffer.byteLength, at))
    if (bytesRead === 0) throw new DamagedCopy(`It ended at byte ${at}.`)
    at += bytesRead
    return buffer.subarray(0, bytesRead)
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const chunk = await next()
          if (chunk !== undefined) return controller.enqueue(chunk)
          await close()
          controller.close()
        } catch (error) {
          await close().catch(() => {})
          controller.error(error)
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  )
}

/**
 * Refuses folders that are links: they would lead out of the archive.
 *
 * @param root may itself be a link, since whoever runs the gateway named it
 * @throws CfileError `not_ready`
 */
export async function refuseLinks(root: string, ...folders: readonly string[]): Promise<void> {
  let path = root
  for (const folder of folders) {
    path = join(path, folder)
    const found = await ifThere('stat', () => lstat(path))
    if (found?.isSymbolicLink()) {
      throw new CfileError(
        'not_ready',
        'The archive could not be used: it has a link for a folder.',
        {
          hint: `Replace ${join(...folders)} in the folder of CFILE_ARCHIVE by a folder.`,
        },
      )
    }
  }
}

/** Makes a folder for this user alone, and those that it is in. */
export function makeFolder(path: string): Promise<unknown> {
  return mkdir(path, { recursive: true, mode: 0o700 })
}

/** Removes a file, also one that is not there. */
export function remove(path: string): Promise<void> {
  return disk('remove', () => rm(path, { force: true }))
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    at += (await file.write(bytes, at)).bytesWritten
  }
}

/** Adds bytes to a file. */
export type Write = (bytes: Uint8Array) => Promise<void>

/** Makes a file, which is on the disk when this is done. */
export async function writeWhole<T>(path: string, task: (write: Write) => Promise<T>): Promise<T> {
  const file = await disk('create', () => open(path, 'wx', 0o600))
  try {
    const written = await task((bytes) => disk('write', () => writeAll(file, bytes)))
    await disk('sync', () => file.sync())
    return written
  } finally {
    await file.close()
  }
}

/** Moves a file to where it is seen. The folder is synced too, else a power cut could take the name back. */
export async function moveInto(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to))
  await rename(from, to)
  const folder = await open(dirname(to), 'r').catch(() => undefined)
  // Not every system can sync a folder.
  await folder?.sync().catch(() => {})
  await folder?.close()
}

/** Does a step; `undefined` where what it needs is not there, which these codes say. */
export async function ifThere<T>(
  operation: string,
  task: () => Promise<T>,
  codes: readonly string[] = ['ENOENT'],
): Promise<T | undefined> {
  return disk(operation, () =>
    task().catch((error) => {
      if (codes.includes(codeOf(error) ?? '')) return undefined
      throw error
    }),
  )
}

/**
 * Does a step. Only what the file system itself throws is the archive's failure.
 *
 * @throws CfileError `not_ready`, or what else the step throws
 */
export async function disk<T>(operation: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    const code = codeOf(error)
    if (isCfileError(error) || code === undefined || !/^E[A-Z]+$/.test(code)) throw error
    throw new CfileError(
      'not_ready',
      `The archive could not be used: the file system failed at ${operation} with ${code}.`,
      {
        hint: 'Check that the folder of CFILE_ARCHIVE can be written by this user, and that the disk is not full.',
        cause: error,
      },
    )
  }
}

/** The code of an error of the file system: `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

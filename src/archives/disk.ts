/**
 * The steps that an archive in a folder takes on a disk; each failure of the file system names its step.
 *
 * @module
 */

import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CfileError, isCfileError } from '../core/errors.ts'

/** When a file was last changed: a unix second; of what is gone, later than any. */
export async function modifiedAt(path: string): Promise<number> {
  const found = await ifThere('stat', () => stat(path))
  return found === undefined ? Number.POSITIVE_INFINITY : Math.floor(found.mtimeMs / 1000)
}

/** The names in a folder, in order; none where there is no folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return ((await ifThere('list', () => readdir(folder))) ?? []).sort()
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

/** Does a step; `undefined` where what it needs is not there. */
export async function ifThere<T>(
  operation: string,
  task: () => Promise<T>,
): Promise<T | undefined> {
  return disk(operation, () =>
    task().catch((error) => {
      if (codeOf(error) === 'ENOENT') return undefined
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

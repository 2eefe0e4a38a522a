/**
 * File system operations of the archive in a folder. Errors name the failed operation.
 *
 * @module
 */

import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { DamagedCopy } from '../../core/bytes/failures.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import { makeFolders } from '../../core/folders.ts'
import type { ByteRange } from '../../core/http/range.ts'

/**
 * The unix second in which a file was last changed; infinity if it does not exist.
 *
 * @param path of a file
 */
export async function modifiedAt(path: string): Promise<number> {
  const found = await ifThere('stat', () => lstat(path))
  return found === undefined ? Number.POSITIVE_INFINITY : Math.floor(found.mtimeMs / 1000)
}

/**
 * The names of the files or folders in a folder, sorted; none if the folder does not exist. Symbolic links are left
 * out.
 *
 * @param folder path; a missing one has no entries
 * @param kind which entries to list; links are never listed
 */
export async function namesIn(folder: string, kind: 'files' | 'folders'): Promise<string[]> {
  const found = (await ifThere('list', () => readdir(folder, { withFileTypes: true }))) ?? []
  return found
    .filter((entry) => (kind === 'files' ? entry.isFile() : entry.isDirectory()))
    .map(({ name }) => name)
    .sort()
}

// Does not follow links and does not wait for pipes.
const readOnly = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Opens a file; `undefined` if it does not exist or is not a regular file.
 *
 * @param path of a file in the archive
 * @throws CfileError `not_ready` for any other failure
 */
export async function openFile(path: string): Promise<FileHandle | undefined> {
  const file = await ifThere('open', () => open(path, readOnly), ['ENOENT', 'ELOOP', 'ENXIO'])
  if (file === undefined || (await disk('stat', () => file.stat())).isFile()) return file
  await file.close()
  return undefined
}

const chunkBytes = 256 * 1024

/**
 * Reads a range of an open file, then closes the file.
 *
 * @param isKeptOpen whether the caller closes the file
 */
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
    const remaining = end + 1 - at
    if (remaining === 0) return undefined
    const buffer = new Uint8Array(Math.min(chunkBytes, remaining))
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
 * Refuses folders that are symbolic links, because these may lead out of the archive.
 *
 * @param root may be a link, because the operator configured it
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
        'The archive could not be used: a folder in it is a link.',
        {
          hint: `Replace ${join(...folders)} in the folder of CFILE_ARCHIVE by a folder.`,
        },
      )
    }
  }
}

/**
 * Creates a folder and its parents, accessible only to this user.
 *
 * @param path of the folder
 * @throws the error of the system, which {@link disk} converts
 */
export function makeFolder(path: string): Promise<void> {
  return makeFolders(path, { mkdir, stat, dirname }, 0o700)
}

/**
 * Removes a file. An absent file is no error.
 *
 * @param path of a file
 * @throws CfileError `not_ready`
 */
export function remove(path: string): Promise<void> {
  return disk('remove', () => rm(path, { force: true }))
}

/** Writes all bytes. The system may write fewer in one call, such as near the end of a disk. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    at += (await file.write(bytes, at)).bytesWritten
  }
}

/** Appends bytes to a file. */
export type Write = (bytes: Uint8Array) => Promise<void>

/**
 * Creates a file. Its content is on disk when the promise resolves.
 *
 * @param path that must not exist yet
 * @param task writes the content
 * @throws CfileError `not_ready`, and the errors of the task: the file then stays, incomplete
 */
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

/**
 * Moves a file to its final path. Syncs the folder too, because otherwise a power failure could undo the move.
 *
 * @param from path of a complete file on the same file system
 * @param to its final path; a file there is replaced
 * @throws the error of the system, which {@link disk} converts
 */
export async function moveInto(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to))
  await rename(from, to)
  const folder = await open(dirname(to), 'r').catch(() => undefined)
  // Not every system can sync a folder.
  await folder?.sync().catch(() => {})
  await folder?.close()
}

/**
 * Runs an operation; `undefined` if it fails with one of the codes.
 *
 * @param operation name of the operation in error messages
 * @param codes error codes of Node, such as `ENOENT`
 */
async function ifThere<T>(
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
 * Runs an operation and converts errors of the file system. Other errors pass unchanged.
 *
 * @param operation name of the operation in error messages
 * @throws CfileError `not_ready`, or another error of the operation
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

/**
 * The code of a file system error, such as `ENOENT`.
 *
 * @param error anything that was thrown
 */
function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

const host = hostname().replace(/[^\w-]/g, '_')
const start = randomUUID()

/**
 * A name for an incomplete file that identifies the writing process. It contains more than the pid, which may be the same
 * in every container.
 */
export function temporaryName(): string {
  return [host, process.pid, start, randomUUID()].join('.')
}

/**
 * Whether a file is a leftover: its process on this machine has ended, or it was last changed before a unix second.
 *
 * @param path of a file with a {@link temporaryName}
 * @param before unix second
 */
export async function isLeftover(path: string, before: number): Promise<boolean> {
  const [writtenAt, pid, begun] = basename(path).split('.')
  if (begun === start) return false
  const isDead = Number(pid) === process.pid || !isAlive(Number(pid))
  return (writtenAt === host && isDead) || (await modifiedAt(path)) < before
}

/** Whether a process of this machine runs. Signal 0 only asks. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // The process exists and belongs to another user.
    return codeOf(error) === 'EPERM'
  }
}

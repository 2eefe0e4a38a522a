/**
 * Opens the source of a file: the caller's copy, else the upstream, else a copy that the archive returned too late for
 * the first try.
 *
 * @module
 */

import type { ArchivedFile } from '../../archives/archive.ts'
import { DamagedCopy } from '../../core/bytes/failures.ts'
import type { OpenedBody, Transfer } from '../../core/bytes/resume.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import { discardCopy } from '../archive/erase.ts'
import { findCopy, findLastCopy } from '../archive/find.ts'
import { copyWhileServed, isLazilyCopied } from '../archive/lazy-copy.ts'
import { addTime, type Exchange } from '../exchange.ts'
import type { Gateway } from '../gateway.ts'
import { displayName, upstreamFile } from '../upstreams/file.ts'
import type { FileLocation } from '../upstreams/location.ts'
import { type FileSource, openedFile } from '../upstreams/opened-file.ts'

/** The request that reads a source. */
interface SourceReader {
  readonly signal: AbortSignal
  /** A download by `GET` may be copied while it is served. @default nothing is copied */
  readonly method?: 'GET' | 'HEAD'
  /** Whether the request follows a signed link. */
  readonly isGranted?: boolean
  /** Records the time that the archive and the upstream take. */
  readonly exchange?: Exchange
}

/**
 * Finds a file in the archive, else at the upstream. Falls back from an unreadable copy to the upstream, and from an
 * upstream that has lost the file to a copy, for which it waits longer.
 *
 * @throws CfileError (also from the source) those of the upstream; `not_ready` if the upstream has lost the file and
 * the archive does not answer
 */
export async function openSource(
  gateway: Gateway,
  location: FileLocation,
  reader: SourceReader,
): Promise<FileSource> {
  const { fileId, holder } = location
  const { signal } = reader
  const clock = startClock(gateway, reader.exchange)
  const found = holder && (await findCopy(gateway, holder, fileId, signal))
  if (gateway.archiving !== undefined) clock.add('archiveMs')
  let copy = found && copiedFile(gateway, location, found, signal)
  let upstream: FileSource | undefined
  const openUpstream = () => {
    upstream ??= upstreamOf(gateway, location, reader)
    return upstream
  }

  /** Runs work on the copy, else on the upstream, else on a copy that is found only then. */
  async function use<T>(work: (file: FileSource) => Promise<T>): Promise<T> {
    if (copy !== undefined) {
      try {
        return await clock.time('archiveMs', work(copy))
      } catch (error) {
        if (!isCopyFailure(error)) throw error
        if (error instanceof DamagedCopy) await discardCopy(gateway, copy.copy, error)
        copy = undefined
        gateway.log('warn', 'A copy could not be read; the upstream is asked.', {
          cause: String(error),
        })
      }
    }
    return clock.time('upstreamMs', work(openUpstream())).catch(async (error) => {
      const last = await findLast(error)
      if (last === undefined) throw error
      copy = copiedFile(gateway, location, last, signal)
      return clock.time('archiveMs', work(copy)).catch(async (failure) => {
        copy = undefined
        if (!(failure instanceof DamagedCopy)) throw failure
        await discardCopy(gateway, last, failure)
        throw error
      })
    })
  }

  async function findLast(error: unknown): Promise<ArchivedFile | undefined> {
    const isLost = isCfileError(error) && error.code === 'container_expired'
    return isLost && holder ? findLastCopy(gateway, holder, fileId, signal) : undefined
  }

  return {
    known: (copy ?? openUpstream()).known,
    describe: () => use((file) => file.describe()),
    open: (range) => use((file) => file.open(range)),
  }
}

function isCopyFailure(error: unknown): boolean {
  if (error instanceof DamagedCopy) return true
  return isCfileError(error) && (error.code === 'not_ready' || error.code === 'file_not_found')
}

/** Adds the time since its start, and that of work that succeeds, to an exchange. */
function startClock({ runtime: { clock } }: Gateway, exchange: Exchange | undefined) {
  const began = clock()
  return {
    add(of: 'archiveMs' | 'upstreamMs'): void {
      if (exchange !== undefined) addTime(exchange, of, clock() - began)
    },
    async time<T>(of: 'archiveMs' | 'upstreamMs', work: Promise<T>): Promise<T> {
      if (exchange === undefined) return work
      const start = clock()
      const done = await work
      addTime(exchange, of, clock() - start)
      return done
    },
  }
}

/** Opens the upstream's file. With `CFILE_ARCHIVE_MODE=lazy` it is copied while it is served. */
function upstreamOf(gateway: Gateway, location: FileLocation, reader: SourceReader): FileSource {
  const { signal, method, isGranted = false } = reader
  if (method !== 'GET' || !isLazilyCopied(gateway, location)) {
    return upstreamFile(gateway, location, signal)
  }
  // A client that leaves ends its download, but not the copy.
  const file = upstreamFile(gateway, location, gateway.observed.traces.detach(signal))
  const open: FileSource['open'] = async (range) =>
    copyWhileServed(gateway, { location, isGranted }, await file.open(range))
  return { ...file, open }
}

/** A file in the archive. */
interface CopiedFile extends FileSource {
  readonly copy: ArchivedFile
}

/**
 * Reads a copy. If it breaks off, the rest comes from the upstream as long as that has the file; if the copy is
 * damaged, only when none of its bytes were sent.
 */
function copiedFile(
  gateway: Gateway,
  location: FileLocation,
  copy: ArchivedFile,
  signal: AbortSignal,
): CopiedFile {
  const { fileId, filename } = location
  const { bytes, sha256, meta } = copy
  const name = displayName(filename, meta.name) ?? fileId
  const { type, created_at: createdAt } = meta
  const known = { fileId, filename: name, bytes, sha256, type, createdAt }
  const openAt = async (start: number, end: number, signal: AbortSignal): Promise<OpenedBody> => ({
    answer: { body: start > end ? null : await copy.open({ range: { start, end }, signal }) },
    at: start,
  })
  const reopenFrom = (start: number, end: number): Transfer['reopen'] => {
    let isDamaged = false
    return async (from, last = end, closed, cause) => {
      if (cause instanceof DamagedCopy) {
        isDamaged = true
        await discardCopy(gateway, copy, cause)
        if (from > start) throw sentDamaged(cause)
      }
      const either = gateway.observed.traces.either(signal, closed)
      return openSame(gateway, location, { bytes, from, last }, either).catch((error) => {
        if (isDamaged) throw error
        return openAt(from, last, either)
      })
    }
  }
  return {
    copy,
    known,
    describe: async () => known,
    async open({ start, end } = { start: 0, end: bytes - 1 }) {
      const opened = await openAt(start, end, signal)
      return openedFile(gateway, known, { opened, reopen: reopenFrom(start, end) }, signal)
    },
  }
}

interface Remainder {
  readonly bytes: number
  readonly from: number
  readonly last: number
}

/** Opens the upstream's file in place of its copy. */
async function openSame(
  gateway: Gateway,
  location: FileLocation,
  { bytes, from, last }: Remainder,
  signal: AbortSignal,
): Promise<OpenedBody> {
  const file = await upstreamFile(gateway, location, signal).open({ start: from, end: last })
  if (file.facts.bytes === bytes) return file.opened
  await file.cancel()
  throw new CfileError('upstream_invalid', 'The file is not the one that was copied.')
}

function sentDamaged(cause: unknown): CfileError {
  return new CfileError(
    'internal_error',
    'The copy of the file is damaged; a new one is being made.',
    { hint: 'Download the file again.', cause },
  )
}

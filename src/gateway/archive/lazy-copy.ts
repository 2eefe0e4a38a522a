/**
 * Lazy copies: the first download of a file also writes its copy, so that the upstream sends the file once.
 *
 * @module
 */

import { type ByteReader, watchBytes } from '../../core/bytes/reader.ts'
import { shareBytes } from '../../core/bytes/tee.ts'
import type { Gateway } from '../gateway.ts'
import { findRecord } from '../owners/records.ts'
import type { FileLocation } from '../upstreams/location.ts'
import type { FileFacts, OpenedFile } from '../upstreams/opened-file.ts'
import { keepCopy, metaOf } from './copy.ts'
import { addPending } from './pending.ts'
import { queueCopy, startCopy } from './queue.ts'
import type { WantedCopy } from './state.ts'

// Bytes that the archive may fall behind a download. Beyond them the copy is cancelled and made later.
const mostBehind = 8 * 1024 * 1024

/**
 * Whether a download of the file from the upstream writes a copy.
 *
 * @returns false for a file without an owner, and while the file is being copied already
 */
export function isLazilyCopied({ archiving }: Gateway, { holder, fileId }: FileLocation): boolean {
  const isRunning = archiving?.state.running.has(fileId)
  return archiving?.mode === 'lazy' && holder !== undefined && !isRunning
}

/** A download whose file is to be copied. */
interface CopiedDownload {
  readonly location: FileLocation
  /** Whether the request follows a signed link. */
  readonly isGranted: boolean
}

/**
 * Copies a file when it is read. A download of the whole file shares its bytes with the copy; otherwise the copy reads
 * the file itself. The copy continues when the client is slow or leaves, and the download when the archive fails.
 *
 * @param file the opened file of the upstream
 * @returns the file to read in its place
 */
export function copyWhileServed(
  gateway: Gateway,
  download: CopiedDownload,
  file: OpenedFile,
): OpenedFile {
  const { archiving } = gateway
  const { bytes, upstream } = file.facts
  const wanted = toWantedCopy(download.location, file.facts)
  if (archiving === undefined || wanted === undefined) return file

  async function startSharing(second: ByteReader): Promise<void> {
    if (!archiving || !wanted || !(await mayCopy(gateway, download))) return second.cancel()
    const pending = await addPending(gateway, wanted)
    const copy = async (signal: AbortSignal): Promise<void> => {
      const meta = await metaOf(upstream, wanted, file.facts, signal)
      await keepCopy(gateway, pending, { reader: second, bytes, meta }, signal)
    }
    startCopy(gateway, archiving, pending, copy).finally(() => cancelCopy(second))
  }

  return {
    ...file,
    read(range, onEnd) {
      if (range !== undefined) {
        const copySeparately = async (): Promise<void> => {
          if (await mayCopy(gateway, download)) await queueCopy(gateway, wanted)
        }
        return afterFirstRead(file.read(range, onEnd), () =>
          gateway.runtime.waitUntil(copySeparately().catch(() => {})),
        )
      }
      const { first, second } = shareBytes(file.read(), mostBehind)
      const client = onEnd === undefined ? first : watchBytes(first, { onEnd })
      return afterFirstRead(client, () =>
        gateway.runtime.waitUntil(startSharing(second).catch(() => cancelCopy(second))),
      )
    },
  }
}

/** Cancels the reader of the copy, so that the download no longer keeps bytes for it. */
function cancelCopy(second: ByteReader): void {
  second.cancel().catch(() => {})
}

/** Passes the bytes, and calls `act` after the first successful read: only then are there bytes to copy. */
function afterFirstRead(bytes: ByteReader, act: () => void): ByteReader {
  let isBegun = false
  return {
    ...bytes,
    async read() {
      const piece = await bytes.read()
      if (!isBegun) act()
      isBegun = true
      return piece
    },
  }
}

/** Whether a copy may be made. A signed link may outlive its file, which its owner has erased. */
async function mayCopy(
  gateway: Gateway,
  { location: { holder, fileId }, isGranted }: CopiedDownload,
): Promise<boolean> {
  if (!isGranted || holder === undefined) return !isGranted
  return (await findRecord(gateway, holder, 'file', fileId)) !== undefined
}

/** The pending copy of a download; `undefined` for a file without an owner. */
function toWantedCopy(
  { holder, fileId, containerId, filename }: FileLocation,
  { upstream }: FileFacts,
): WantedCopy | undefined {
  return (
    holder && {
      owner: holder.key,
      file_id: fileId,
      container_id: containerId,
      upstream: upstream?.name,
      filename,
    }
  )
}

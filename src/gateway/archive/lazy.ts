/**
 * Lazy copies: the first download of a file is its copy too, so that the upstream is asked once.
 *
 * @module
 */

import { shareStream } from '../../core/bytes/tee.ts'
import type { FileLocation } from '../files/locate.ts'
import type { FileFacts } from '../files/source.ts'
import type { Gateway } from '../gateway.ts'
import { findRecord } from '../owners/records.ts'
import { keepCopy, metaOf, readAll } from './copy.ts'
import { noteCopy } from './pending.ts'
import { copySoon, startCopy } from './queue.ts'

// Bytes that the archive may fall behind a download before the copy is given up and made later.
const mostBehind = 8 * 1024 * 1024

/** Whether downloads of the file from the upstream are to be copied. */
export function isCopiedLazily({ archiving }: Gateway, { holder, fileId }: FileLocation): boolean {
  const isFree = !archiving?.state.running.has(fileId)
  return archiving?.mode === 'lazy' && holder !== undefined && isFree
}

/** A download of which a copy is made. */
export interface CopiedDownload {
  readonly location: FileLocation
  readonly facts: FileFacts
  /** Whether a signed link asks. */
  readonly isGranted: boolean
}

/** Copies the body of an answer while it is served. The client may be slow or go away; the archive may fail: the other goes on. */
export function copyWhileServed(
  gateway: Gateway,
  download: CopiedDownload,
  answer: Response,
): Response {
  const { archiving } = gateway
  const { facts } = download
  const wanted = wantedOf(download)
  if (archiving === undefined || wanted === undefined || answer.body === null) return answer
  const { first, second, dropSecond } = shareStream(answer.body, mostBehind)
  const { bytes, upstream } = facts
  const start = async (): Promise<void> => {
    if (!(await mayCopy(gateway, download))) return dropSecond()
    const pending = await noteCopy(gateway, wanted)
    const copy = async (signal: AbortSignal) => {
      const meta = await metaOf(upstream, wanted, facts, signal)
      const reader = readAll(gateway, second)
      await keepCopy(gateway, pending, { reader, bytes, meta }, signal)
    }
    startCopy(gateway, archiving, pending, copy, () => dropSecond())
  }
  gateway.runtime.waitUntil(start().catch(() => dropSecond()))
  return new Response(first, answer)
}

/** Copies a file of which a download wants a part only. */
export function copyBeside(gateway: Gateway, download: CopiedDownload): void {
  const wanted = wantedOf(download)
  if (wanted === undefined) return
  const start = async (): Promise<void> => {
    if (await mayCopy(gateway, download)) await copySoon(gateway, wanted)
  }
  gateway.runtime.waitUntil(start().catch(() => {}))
}

/** A signed link may outlive the record of its file, which was erased for good. */
async function mayCopy(
  gateway: Gateway,
  { location: { holder, fileId }, isGranted }: CopiedDownload,
): Promise<boolean> {
  if (!isGranted || holder === undefined) return !isGranted
  return (await findRecord(gateway, holder, 'file', fileId)) !== undefined
}

function wantedOf({ location, facts: { upstream } }: CopiedDownload) {
  const { holder, fileId, containerId, filename } = location
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

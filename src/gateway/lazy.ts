/**
 * Lazy copies: the first download of a file is its copy too, so that the upstream is asked once.
 *
 * @module
 */

import { shareStream } from '../core/share.ts'
import { noteCopy } from './copies.ts'
import { keepCopy, metaOf, readAll } from './copy-file.ts'
import { copySoon, startCopy } from './copying.ts'
import type { Gateway } from './gateway.ts'
import type { FileLocation } from './locate.ts'
import type { FileFacts } from './source.ts'

// What an archive may fall behind a download before it is left to copy the file later.
const mostBehind = 8 * 1024 * 1024

/** Whether downloads of the file from the upstream are to be copied. */
export function isCopiedLazily({ archiving }: Gateway, { holder, fileId }: FileLocation): boolean {
  const isFree = !archiving?.state.running.has(fileId)
  return archiving?.mode === 'lazy' && holder !== undefined && isFree
}

/** Copies the body of an answer while it is served. The client may be slow or go away; the archive may fail: the other goes on. */
export function copyWhileServed(
  gateway: Gateway,
  location: FileLocation,
  facts: FileFacts,
  answer: Response,
): Response {
  const { archiving } = gateway
  const wanted = wantedOf(location, facts)
  if (archiving === undefined || wanted === undefined || answer.body === null) return answer
  const { first, second, dropSecond } = shareStream(answer.body, mostBehind)
  const { bytes, upstream } = facts
  const noted = noteCopy(gateway, wanted).then((pending) =>
    startCopy(
      gateway,
      archiving,
      pending,
      async (signal) => {
        const meta = await metaOf(upstream, wanted, facts, signal)
        const reader = readAll(gateway, second)
        await keepCopy(gateway, pending, { reader, bytes, meta }, signal)
      },
      () => dropSecond(),
    ),
  )
  gateway.waitUntil(noted.catch(() => dropSecond()))
  return new Response(first, answer)
}

/** Copies a file of which a download wants a part only. */
export function copyBeside(gateway: Gateway, location: FileLocation, facts: FileFacts): void {
  const wanted = wantedOf(location, facts)
  if (wanted !== undefined) gateway.waitUntil(copySoon(gateway, wanted).catch(() => {}))
}

function wantedOf(
  { holder, fileId, containerId, filename }: FileLocation,
  { upstream }: FileFacts,
) {
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

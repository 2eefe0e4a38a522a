/**
 * Files that can be read, from an upstream or from the archive.
 *
 * @module
 */

import type { OnBodyEnd } from '../../core/bytes/failures.ts'
import type { ByteReader } from '../../core/bytes/reader.ts'
import { type OpenedBody, readTransfer, type Transfer } from '../../core/bytes/resume.ts'
import type { ByteRange } from '../../core/http/range.ts'
import type { Gateway, Upstream } from '../gateway.ts'

/** Id, length, name and type of a file. */
export interface FileFacts {
  readonly fileId: string
  /** The name to show. */
  readonly filename: string
  /** The upstream's own name for it. */
  readonly storedName?: string
  readonly bytes?: number
  /** The content type as the upstream sent it, which may be hostile. */
  readonly type?: string
  /** In hex. */
  readonly sha256?: string
  /** Unix seconds. */
  readonly createdAt?: number
  /** Absent for the facts of a copy. */
  readonly upstream?: Upstream
  readonly upstreamRequestId?: string
}

/** A file that can be described and opened. */
export interface FileSource {
  /** The facts that need no request; they may be out of date. */
  readonly known: FileFacts
  /** Finds out whether the file is there and how long it is, without opening its content. */
  describe(): Promise<FileFacts>
  /** Opens the bytes, at the start of the range or before it. */
  open(range?: ByteRange): Promise<OpenedFile>
}

/** An opened file of which nothing was read yet. */
export interface OpenedFile {
  readonly facts: FileFacts
  /** The body as it came, for callers that transfer it themselves. */
  readonly opened: OpenedBody
  /**
   * Reads the file or a part of it. May be called once. A read throws if the rest is not available or belongs to a
   * changed file.
   */
  read(range?: ByteRange, onEnd?: OnBodyEnd): ByteReader
  /** Cancels the body if it is not read. */
  cancel(): Promise<void>
}

/**
 * Creates an opened file that resumes its bytes when they break off.
 *
 * @param signal fires when no reader needs the bytes any more
 */
export function openedFile(
  gateway: Gateway,
  facts: FileFacts,
  { opened, reopen }: Pick<Transfer, 'opened' | 'reopen'>,
  signal: AbortSignal,
): OpenedFile {
  const { log, runtime, bounds, observed } = gateway
  const { idleTimeoutMs: idleMs, maxFileBytes: most } = bounds
  const { wait, random, carrier } = runtime
  const { fileId, bytes: size } = facts
  const cancel = async (): Promise<void> => opened.answer.body?.cancel()
  const onCut = (cause: unknown, at: number): void => {
    observed.metrics.add('cfile_resumptions_total')
    log('warn', 'The body of a file broke off and is resumed.', {
      file_id: fileId,
      at,
      cause: String(cause),
    })
  }
  return {
    facts,
    opened,
    cancel,
    read(range, onEnd) {
      const start = range?.start ?? 0
      const end = range ? range.end + 1 : size
      // The file has another length than expected and the body begins after the wanted part: request the part again.
      const isTooLate = opened.at > start
      if (isTooLate) cancel().catch(() => {})
      const first = isTooLate ? { answer: { body: null }, at: start } : opened
      const { read } = carrier
      const means = { wait, idleMs, random, signal, read, onEnd, onCut }
      return readTransfer({ opened: first, reopen, start, end, size, most }, means)
    },
  }
}

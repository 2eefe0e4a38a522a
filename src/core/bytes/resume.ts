/**
 * The bytes of a file on their way: counted, taken up again where they break off, and never passed off as whole.
 *
 * @module
 */

import { CfileError, fileTooLarge, isCfileError } from '../errors.ts'
import {
  type OnBodyEnd,
  type Outcome,
  outcomeOfCancel,
  outcomeOfFailure,
} from '../observe/outcome.ts'
import { notNeeded, type Wait } from '../time.ts'
import { createTrace, isEqual } from './fingerprint.ts'
import { type IdleWatch, watchIdle } from './idle.ts'
import type { Bodied, ByteReader, ReadPieces } from './reader.ts'

/** What has a body, and where in the file that begins. */
export interface OpenedBody {
  readonly from: Bodied
  readonly at: number
}

/** What is to be carried. */
export interface Transfer {
  readonly opened: OpenedBody
  /**
   * Opens the file again, at that byte or at its start, to the last byte that is wanted.
   *
   * @param cause why the body broke off
   * @throws where it can't be had, or is another by its length or validator
   */
  readonly reopen: (
    from: number,
    last: number | undefined,
    signal: AbortSignal,
    cause: unknown,
  ) => Promise<OpenedBody>
  /** The first byte that is wanted. */
  readonly start: number
  /** The byte behind the last one; absent where nobody knows, and then the body's own end is taken for it. */
  readonly end?: number
  /** The file's length, where it is known. */
  readonly size?: number
  /** The most bytes that a file may have. */
  readonly most: number
}

/** What carrying takes. */
export interface Carriage {
  readonly wait: Wait
  /** Milliseconds between two bytes, after which the body counts as cut. */
  readonly idleMs: number
  /** The client's: when it fires, nothing is taken up again. */
  readonly signal: AbortSignal
  /** From 0 to 1. */
  readonly random: () => number
  /** Is told of each cut. */
  readonly onCut?: (error: unknown, at: number) => void
  readonly onEnd?: OnBodyEnd
  readonly read: ReadPieces
}

const mostResumptions = 5

/**
 * Reads the bytes of a transfer, in order and each once, and takes the body up again where it breaks off, ends early or
 * falls silent. A read throws where the rest can't be had, or is not that of the same file.
 */
export function readTransfer(transfer: Transfer, carriage: Carriage): ByteReader {
  const { start, end, size, most } = transfer
  const { wait, idleMs, random, onCut, onEnd, signal } = carriage
  const idle = watchIdle(wait, idleMs)
  const trace = createTrace()
  let source = openSource(transfer.opened, idle, carriage.read)
  let at = start
  let resumptions = 0
  let isDone = false
  let isClosed = false
  let silentAt: number | undefined
  // Made only where a body breaks off.
  let closing: AbortController | undefined

  async function readOn(): Promise<Uint8Array | undefined> {
    await source.skipTo(at)
    const piece = at === end ? undefined : await source.read(end === undefined ? most : end - at)
    if (piece === undefined && end !== undefined && at < end) throw endedEarly(at, end)
    if (end === undefined && source.at() > most) throw fileTooLarge(most + 1, most)
    // What goes on is not the file that was announced: its last piece is not let go, so that nothing looks whole.
    if (source.at() === size && (await source.hasMore())) {
      throw otherFile(`The upstream sent more than the ${size} bytes that it announced.`)
    }
    return piece
  }

  async function takeUp(cause: unknown): Promise<void> {
    let failure = cause
    for (;;) {
      source.cancel(failure)
      if (signal.aborted || isClosed) throw failure
      // The client waits meanwhile: what was silent twice at one byte is not waited for again.
      if (isSilence(failure) && silentAt === at) throw failure
      if (isSilence(failure)) silentAt = at
      if (isFinal(failure) || resumptions === mostResumptions) throw failure
      onCut?.(failure, at)
      resumptions += 1
      closing ??= new AbortController()
      const closed = closing.signal
      try {
        await wait(random() * 50 * 2 ** resumptions, closed)
        const from = at - trace.tail().byteLength
        const opened = await transfer.reopen(from, end && end - 1, closed, failure)
        source = openSource(opened, idle, carriage.read)
        return await checkSame()
      } catch (error) {
        failure = error
      }
    }
  }

  /** What was sent comes once more and must be the same: all of it where the body begins that early, else its tail. */
  async function checkSame(): Promise<void> {
    const isAll = source.at() <= start
    const again = createTrace()
    if (isAll) await source.skipTo(start)
    await source.readTo(at, again.add)
    if (isAll ? trace.isSame(again) : isEqual(trace.tail(), again.tail())) return
    throw otherFile('The file changed while it was on its way.')
  }

  function close(outcome: Outcome, reason: unknown = notNeeded): void {
    if (!isClosed) onEnd?.(at - start, outcome)
    isClosed = true
    closing?.abort(reason)
    idle.stop()
    source.cancel(reason)
  }

  async function next(): Promise<Uint8Array | undefined> {
    for (;;) {
      try {
        return await readOn()
      } catch (error) {
        await takeUp(error)
      }
    }
  }

  return {
    async read() {
      if (isDone) return undefined
      try {
        const piece = await next()
        at += piece?.byteLength ?? 0
        isDone = piece === undefined || at === end
        if (isDone) close('done')
        else if (piece !== undefined) trace.add(piece)
        return piece
      } catch (error) {
        close(signal.aborted ? 'client_left' : outcomeOfFailure(error), error)
        throw error
      }
    },
    cancel: async (reason) => close(outcomeOfCancel(reason), reason),
  }
}

/** One body of the file, and how far it was read. */
interface Source {
  at(): number
  read(most: number): Promise<Uint8Array | undefined>
  /** Reads up to a byte that must be there. */
  readTo(byte: number, take: (piece: Uint8Array) => void): Promise<void>
  skipTo(byte: number): Promise<void>
  hasMore(): Promise<boolean>
  cancel(reason: unknown): void
}

function openSource({ from, at: first }: OpenedBody, idle: IdleWatch, read: ReadPieces): Source {
  const pieces = read(from)
  let at = first
  const source: Source = {
    at: () => at,
    async read(most) {
      const piece = await idle.watch(pieces.read(most))
      at += piece?.byteLength ?? 0
      return piece
    },
    async readTo(byte, take) {
      while (at < byte) {
        const piece = await source.read(byte - at)
        if (piece === undefined) throw endedEarly(at, byte)
        take(piece)
      }
    },
    skipTo: (byte) => source.readTo(byte, () => {}),
    // All that was wanted is there: how the rest fails is no matter.
    hasMore: () => idle.watch(pieces.hasMore()).catch(() => false),
    cancel(reason) {
      // Its failure is the one that is known already; and it may take its time.
      pieces.cancel(reason).catch(() => {})
    },
  }
  return source
}

const passing: readonly unknown[] = [
  'upstream_error',
  'upstream_timeout',
  'upstream_throttled',
  // Of an archive: the upstream may have the rest.
  'not_ready',
]

/** Whether asking again cannot help. */
function isFinal(error: unknown): boolean {
  return isCfileError(error) && !passing.includes(error.code)
}

function otherFile(message: string): CfileError {
  return new CfileError('upstream_invalid', message, { hint: 'Download the file again.' })
}

function isSilence(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError'
}

function endedEarly(at: number, end: number): RangeError {
  return new RangeError(`The body ended at byte ${at} of ${end}.`)
}

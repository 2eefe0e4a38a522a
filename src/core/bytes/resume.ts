/**
 * Transfers of files: the bytes are counted, resumed where they break off, and never passed off as whole.
 *
 * @module
 */

import { fileTooLarge } from '../errors.ts'
import { notNeeded, type Wait } from '../time.ts'
import {
  endedEarly,
  isFinal,
  isSilence,
  type OnBodyEnd,
  type Outcome,
  otherFile,
  outcomeOfCancel,
  outcomeOfFailure,
  SlowReaderError,
} from './failures.ts'
import { type IdleWatch, watchIdle } from './limit.ts'
import type { Bodied, ByteReader, ReadBody } from './reader.ts'

/** A body, and the byte of the file at which it begins. */
export interface OpenedBody {
  readonly answer: Bodied
  readonly at: number
}

/** The part of a file that is to be transferred. */
export interface Transfer {
  readonly opened: OpenedBody
  /**
   * Opens the file again, at a byte or at its start. Absent: a body that breaks off is not resumed.
   *
   * @param last the last byte that is wanted
   * @param cause why the body broke off
   * @throws where the file is gone, or its length or validator shows that it is another one
   */
  readonly reopen?: (
    from: number,
    last: number | undefined,
    signal: AbortSignal,
    cause: unknown,
  ) => Promise<OpenedBody>
  /** The first byte that is wanted. */
  readonly start: number
  /** The byte behind the last one. Absent if the length is unknown; then the end of the body counts as the file's. */
  readonly end?: number
  /** The file's length, where it is known. */
  readonly size?: number
  /** The most bytes that a file may have. */
  readonly most: number
}

/** Everything that a transfer needs. */
export interface TransferMeans {
  readonly wait: Wait
  /** Milliseconds without a byte after which the body counts as broken off. */
  readonly idleMs: number
  /** The client's signal. After it fires, nothing is resumed. */
  readonly signal: AbortSignal
  /** From 0 to 1. */
  readonly random: () => number
  /** Called each time the body breaks off and is resumed. */
  readonly onCut?: (error: unknown, at: number) => void
  readonly onEnd?: OnBodyEnd
  readonly read: ReadBody
}

const mostResumptions = 5

/**
 * Reads the bytes of a transfer, in order and each once. Resumes the body where it breaks off, ends early or falls silent.
 * A read throws where the rest can't be had or belongs to another file.
 *
 * @param transfer the opened body, the wanted part, and how to open the file again
 * @param means timer, limits and observers of this download
 * @throws (by a read) CfileError `upstream_error`, `upstream_timeout`, `upstream_invalid` (another file),
 *   `file_too_large`; RangeError for a body that ends early and cannot be resumed
 */
export function readTransfer(transfer: Transfer, means: TransferMeans): ByteReader {
  const { start, end, size, most } = transfer
  const { wait, idleMs, random, onCut, onEnd, signal } = means
  const idle = watchIdle(wait, idleMs)
  const sent = createFingerprint()
  let source = openBody(transfer.opened, idle, means.read)
  let at = start
  let resumptions = 0
  let isDone = false
  let isReleased = false
  let isTold = false
  let silentAt: number | undefined
  // Made only where a body breaks off.
  let closing: AbortController | undefined

  /** Holds the last piece back until the body has ended: one that goes on is not the announced file. */
  async function checkEnd(piece: Uint8Array | undefined): Promise<Uint8Array | undefined> {
    const last = piece?.slice()
    if (!(await source.hasMore())) return last
    throw otherFile(`The upstream sent more than the ${size} bytes that it announced.`)
  }

  async function resume(cause: unknown): Promise<void> {
    let failure = cause
    for (;;) {
      source.cancel(failure)
      if (signal.aborted || isReleased || transfer.reopen === undefined) throw failure
      // The client is waiting, so a second silence at the same byte ends the transfer.
      if (isSilence(failure) && silentAt === at) throw failure
      if (isSilence(failure)) silentAt = at
      if (isFinal(failure) || resumptions === mostResumptions) throw failure
      onCut?.(failure, at)
      resumptions += 1
      closing ??= new AbortController()
      const closed = closing.signal
      try {
        await wait(random() * 50 * 2 ** resumptions, closed)
        const from = at - sent.tail().byteLength
        const opened = await transfer.reopen(from, end && end - 1, closed, failure)
        source = openBody(opened, idle, means.read)
        return await checkSame()
      } catch (error) {
        failure = error
      }
    }
  }

  /** Compares the new body with the bytes that were sent: all of them where it begins that early, else the last ones. */
  async function checkSame(): Promise<void> {
    const isAll = source.at() <= start
    const again = createFingerprint()
    if (isAll) await source.skipTo(start)
    await source.readTo(at, again.add)
    if (isAll ? sent.isSame(again) : isEqual(sent.tail(), again.tail())) return
    throw otherFile('The file changed during the download.')
  }

  function release(reason: unknown): void {
    isReleased = true
    closing?.abort(reason)
    idle.stop()
    source.cancel(reason)
  }

  function tell(outcome: Outcome): void {
    if (!isTold) onEnd?.(at - start, outcome)
    isTold = true
  }

  return {
    async read() {
      while (!isDone) {
        try {
          if (source.at() < at) await source.skipTo(at)
          const wanted = end === undefined ? most + 1 : end - at
          let piece = wanted === 0 ? undefined : await source.read(wanted)
          if (piece === undefined && end !== undefined && at < end) throw endedEarly(at, end)
          if (end === undefined && source.at() > most) throw fileTooLarge(most + 1, most)
          if (source.at() === size) piece = await checkEnd(piece)
          at += piece?.byteLength ?? 0
          isDone = piece === undefined || at === end
          if (isDone) release(notNeeded)
          else if (piece !== undefined) sent.add(piece)
          if (piece !== undefined) return piece
        } catch (error) {
          await resume(error).catch((failure) => {
            release(failure)
            tell(signal.aborted ? 'client_left' : outcomeOfFailure(failure))
            throw failure
          })
        }
      }
      // Only now the last piece was taken.
      tell('done')
      return undefined
    },
    async cancel(reason = notNeeded) {
      release(reason)
      const isTaken = isDone && !(reason instanceof SlowReaderError)
      tell(isTaken ? 'done' : outcomeOfCancel(reason))
    },
  }
}

/** One body of the file, and how far it was read. */
interface Source {
  at(): number
  /** Reads the next bytes, at most `most`. */
  read(most: number): Promise<Uint8Array | undefined>
  /** Reads up to a byte that must be there. */
  readTo(byte: number, take: (piece: Uint8Array) => void): Promise<void>
  skipTo(byte: number): Promise<void>
  hasMore(): Promise<boolean>
  cancel(reason: unknown): void
}

function openBody({ answer, at: first }: OpenedBody, idle: IdleWatch, read: ReadBody): Source {
  const bytes = read(answer)
  let at = first
  let rest: Uint8Array | undefined

  const source: Source = {
    at: () => at,
    async read(most) {
      let piece = rest ?? (await idle.watch(bytes.read(most)))
      while (piece?.byteLength === 0) piece = await idle.watch(bytes.read(most))
      rest = undefined
      if (piece === undefined) return undefined
      if (piece.byteLength > most) rest = piece.subarray(most)
      const part = rest === undefined ? piece : piece.subarray(0, most)
      at += part.byteLength
      return part
    },
    async readTo(byte, take) {
      while (at < byte) {
        const piece = await source.read(byte - at)
        if (piece === undefined) throw endedEarly(at, byte)
        take(piece)
      }
    },
    skipTo: (byte) => source.readTo(byte, () => {}),
    // Everything that was wanted is there, so a failure of the rest does not count.
    hasMore: async () => (await source.read(1).catch(() => undefined)) !== undefined,
    cancel(reason) {
      // The transfer fails with the error that is known already.
      bytes.cancel(reason).catch(() => {})
    },
  }
  return source
}

/** A fingerprint of the bytes already sent, to check after a reconnect that the file has not changed. */
interface Fingerprint {
  /** Adds the next bytes. */
  add(piece: Uint8Array): void
  /** The last 4 KiB; valid until bytes are added. */
  tail(): Uint8Array
  /** Whether another fingerprint is of the same bytes, as far as the samples show. */
  isSame(other: Fingerprint): boolean
  /** The number of bytes, and a hash of the samples. */
  sum(): string
}

// Small files are hashed whole. Of large ones so little is hashed that it costs nothing.
const whole = 256 * 1024
const block = 64 * 1024
const sample = 256
const tailLength = 4096

/** Makes a fingerprint: FNV-1a of the first 256 KiB and of the start of each 64 KiB after them, and the tail itself. */
function createFingerprint(): Fingerprint {
  let at = 0
  let hash = 0x811c9dc5
  let kept = new Uint8Array()
  let keptBytes = 0

  /** Copies the last bytes, because the memory of the piece may be used again. */
  function keep(piece: Uint8Array): void {
    if (kept.byteLength === 0) kept = new Uint8Array(tailLength)
    const last = piece.subarray(-tailLength)
    const stays = Math.min(keptBytes, tailLength - last.byteLength)
    kept.copyWithin(0, keptBytes - stays, keptBytes)
    kept.set(last, stays)
    keptBytes = stays + last.byteLength
  }

  const fingerprint: Fingerprint = {
    add(piece) {
      for (let i = 0; i < piece.byteLength; ) {
        const past = (at + i) % block
        const end = i - past + (past < sample ? sample : block)
        if (past < sample || at + i < whole) hash = addToHash(hash, piece.subarray(i, end))
        i = end
      }
      at += piece.byteLength
      keep(piece)
    },
    tail: () => kept.subarray(0, keptBytes),
    sum: () => `${at} ${hash}`,
    isSame: (other) =>
      fingerprint.sum() === other.sum() && isEqual(fingerprint.tail(), other.tail()),
  }
  return fingerprint
}

/** Continues an FNV-1a hash. A local sum, since workerd allocates a number at each change of an outer variable. */
function addToHash(hash: number, bytes: Uint8Array): number {
  let sum = hash
  for (let i = 0; i < bytes.byteLength; i++) sum = Math.imul(sum ^ (bytes[i] ?? 0), 0x01000193)
  return sum
}

/** Whether two arrays of a few KiB hold the same bytes. */
function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && one.every((byte, at) => byte === other[at])
}

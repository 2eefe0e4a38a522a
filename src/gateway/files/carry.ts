/**
 * Carry: an opened file → its bytes, as far as they are wanted.
 *
 * @module
 */

import { brokenOff } from '../../core/bytes/broken-off.ts'
import type { AnswerInit } from '../../core/bytes/carrier.ts'
import { type ByteReader, beginReading } from '../../core/bytes/reader.ts'
import { type Carriage, readTransfer, type Transfer } from '../../core/bytes/resume.ts'
import type { ByteRange } from '../../core/http/range.ts'
import type { OnBodyEnd } from '../../core/observe/outcome.ts'
import type { Gateway } from '../gateway.ts'
import type { OpenedFile } from './source.ts'

/**
 * The bytes of a file, or of a part of it, which break off rather than end with less, or with another file's.
 *
 * @param signal fires when nobody wants them any more
 */
export function carry(
  gateway: Gateway,
  file: OpenedFile,
  signal: AbortSignal,
  range?: ByteRange,
  onEnd?: OnBodyEnd,
): ByteReader {
  return readTransfer(transferOf(gateway, file, range), carriageOf(gateway, file, signal, onEnd))
}

/**
 * An answer with some bytes as its body. It begins when the first of them are there, or all where they are few: until
 * then a failure can be answered with a code.
 *
 * @throws CfileError `upstream_error`, `upstream_timeout`, or the code of the failure
 */
export async function answerWith(
  { runtime: { carrier } }: Pick<Gateway, 'runtime'>,
  bytes: ByteReader,
  init: AnswerInit,
): Promise<Response> {
  const length = Number(init.headers['content-length'])
  try {
    return length <= carrier.mostWhole
      ? new Response(await readWhole(bytes, length), init)
      : carrier.answer(await beginReading(bytes), init)
  } catch (cause) {
    throw brokenOff(cause)
  }
}

async function readWhole(bytes: ByteReader, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(length)
  let at = 0
  for (let piece = await bytes.read(); piece !== undefined; piece = await bytes.read()) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  if (at < length) throw new RangeError(`The body ended at byte ${at} of ${length}.`)
  return whole
}

function transferOf(
  gateway: Pick<Gateway, 'bounds'>,
  { facts, opened, reopen }: OpenedFile,
  range?: ByteRange,
): Transfer {
  const { maxFileBytes: most } = gateway.bounds
  const { bytes: size } = facts
  const start = range?.start ?? 0
  // The file turned out to be of another length, and the part that was asked for begins too late: it is asked for anew.
  if (opened.at > start) {
    opened.from.body?.cancel().catch(() => {})
    const anew = { from: { body: null }, at: start }
    return transferOf(gateway, { facts, reopen, opened: anew }, range)
  }
  return { opened, reopen, start, end: range ? range.end + 1 : size, size, most }
}

/** The means of carrying, which log and count each cut. */
function carriageOf(
  {
    runtime: {
      wait,
      random,
      carrier: { read },
    },
    log,
    observed: { metrics },
    bounds: { idleTimeoutMs: idleMs },
  }: Gateway,
  { facts: { fileId } }: OpenedFile,
  signal: AbortSignal,
  onEnd?: OnBodyEnd,
): Carriage {
  return {
    wait,
    idleMs,
    random,
    signal,
    read,
    onEnd,
    onCut(cause, at) {
      metrics.add('cfile_resumptions_total')
      log('warn', 'A body broke off on its way and is taken up again.', {
        file_id: fileId,
        at,
        cause: String(cause),
      })
    },
  }
}

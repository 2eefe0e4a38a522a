/**
 * Carry: an opened file → the body of an answer.
 *
 * @module
 */

import type { ByteReader } from '../core/pieces.ts'
import type { ByteRange } from '../core/range.ts'
import { type Carriage, readTransfer, type Transfer } from '../core/transfer.ts'
import type { Gateway } from './gateway.ts'
import type { OpenedFile } from './source.ts'

/** What of the file is carried, and for how long somebody wants it. */
export interface CarryTerms {
  /** @default the whole file */
  readonly range?: ByteRange
  readonly signal: AbortSignal
}

/** The bytes of a file as a stream that breaks rather than end with less, or with another file's. */
export function carry(
  gateway: Gateway,
  file: OpenedFile,
  { range, signal }: CarryTerms,
): ReadableStream<Uint8Array> {
  return gateway.carrier.carry(transferOf(gateway, file, range), carriageOf(gateway, file, signal))
}

/** The bytes of a whole file, for somebody who makes something of them. */
export function readFile(gateway: Gateway, file: OpenedFile, signal: AbortSignal): ByteReader {
  return readTransfer(transferOf(gateway, file), carriageOf(gateway, file, signal))
}

function transferOf(
  gateway: Pick<Gateway, 'maxFileBytes'>,
  { facts, opened, reopen }: OpenedFile,
  range?: ByteRange,
): Transfer {
  const { maxFileBytes: most } = gateway
  const { bytes: size } = facts
  const start = range?.start ?? 0
  // The file turned out to be of another length, and the part that was asked for begins too late: it is asked for anew.
  if (opened.at > start) {
    opened.body?.cancel().catch(() => {})
    return transferOf(gateway, { facts, reopen, opened: { body: null, at: start } }, range)
  }
  return { opened, reopen, start, end: range ? range.end + 1 : size, size, most }
}

/** The means of carrying, which log each cut, and count. */
function carriageOf(
  { wait, random, log, metrics, idleTimeoutMs: idleMs, carrier: { read } }: Gateway,
  { facts: { fileId } }: OpenedFile,
  signal: AbortSignal,
): Carriage {
  metrics.add('cfile_downloads_in_flight')
  return {
    wait,
    idleMs,
    random,
    signal,
    read,
    onCut: (cause, at) =>
      log('warn', 'A body broke off on its way and is taken up again.', {
        file_id: fileId,
        at,
        cause: String(cause),
      }),
    onEnd(bytes) {
      metrics.add('cfile_downloads_in_flight', -1)
      metrics.add('cfile_delivered_bytes_total', bytes)
    },
  }
}

/**
 * Pass content: the bytes of a file to a client of the upstream's own API, within the limits of size and of silence that
 * every download has.
 *
 * @module
 */

import { answerWith } from '../../core/bytes/carrier.ts'
import { watchIdle } from '../../core/bytes/idle.ts'
import type { ByteReader } from '../../core/bytes/reader.ts'
import { fileTooLarge } from '../../core/errors.ts'
import type { Gateway } from '../gateway.ts'

/**
 * The same answer, whose body breaks where it is too large or falls silent, or is of another length than the file.
 *
 * @param known what is known of the file's length, for an answer that announces none
 * @throws CfileError `file_too_large` where that is announced; `upstream_error`, `upstream_timeout` where no byte comes
 */
export async function passContent(
  gateway: Gateway,
  answer: Response,
  known: () => Promise<number | undefined>,
): Promise<Response> {
  const { ok, status, body } = answer
  if (!ok || body === null) return answer
  const headers = Object.fromEntries(answer.headers)
  // The length of a part or of a coded body is not the file's.
  const isWhole = status === 200 && headers['content-encoding'] === undefined
  const announced = headers['content-length'] ?? (isWhole ? await known() : undefined)
  const length = announced === undefined ? undefined : Number(announced)
  const { maxFileBytes } = gateway.bounds
  if (length !== undefined && length > maxFileBytes) {
    body.cancel().catch(() => {})
    throw fileTooLarge(length, maxFileBytes)
  }
  if (length !== undefined) headers['content-length'] = String(length)
  return answerWith(gateway.runtime.carrier, readContent(gateway, answer, length), {
    status,
    headers,
  })
}

function readContent(
  { runtime: { carrier, wait }, bounds: { idleTimeoutMs, maxFileBytes } }: Gateway,
  answer: Response,
  length: number | undefined,
): ByteReader {
  const pieces = carrier.read(answer)
  const idle = watchIdle(wait, idleTimeoutMs)
  let at = 0

  async function cancel(reason?: unknown): Promise<void> {
    idle.stop()
    await pieces.cancel(reason)
  }

  function check(isOver: boolean): void {
    if (at > maxFileBytes) throw fileTooLarge(at, maxFileBytes)
    if (length === undefined || at === length || (at < length && !isOver)) return
    throw new RangeError(`The body ended at byte ${at} of ${length}.`)
  }

  return {
    cancel,
    async read() {
      try {
        const piece = await idle.watch(pieces.read(maxFileBytes + 1 - at))
        at += piece?.byteLength ?? 0
        check(piece === undefined)
        if (piece === undefined) idle.stop()
        return piece
      } catch (error) {
        cancel(error).catch(() => {})
        throw error
      }
    },
  }
}

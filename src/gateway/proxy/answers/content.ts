/**
 * Passes file content of the upstream's own API (`…/content`) with the size limit and the idle timeout of downloads.
 *
 * @module
 */

import { answerWith } from '../../../core/bytes/carrier.ts'
import { watchIdle } from '../../../core/bytes/idle.ts'
import type { ByteReader } from '../../../core/bytes/reader.ts'
import { fileTooLarge } from '../../../core/errors.ts'
import type { Gateway } from '../../gateway.ts'

/**
 * Wraps the body of an answer so that it breaks when it exceeds the size limit, pauses for longer than the idle timeout,
 * or has another length than the file.
 *
 * @param known resolves to the recorded length of the file in bytes, used when the answer has no `Content-Length`
 * @throws CfileError `file_too_large` when the announced length exceeds the limit; `upstream_error` or
 * `upstream_timeout` when the body fails before its first byte
 */
export async function passContent(
  gateway: Gateway,
  answer: Response,
  known: () => Promise<number | undefined>,
): Promise<Response> {
  const { ok, status, body } = answer
  if (!ok || body === null) return answer
  const headers = Object.fromEntries(answer.headers)
  // A range or an encoded body has another length than the file.
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

/** Creates a reader that enforces size limit, idle timeout and length. */
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

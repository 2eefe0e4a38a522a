/**
 * Pass content: the bytes of a file to a client of the upstream's own API, within the limits of size and of silence that
 * every download has.
 *
 * @module
 */

import { watchIdle } from '../../core/bytes/idle.ts'
import type { ByteReader } from '../../core/bytes/reader.ts'
import { fileTooLarge } from '../../core/errors.ts'
import { answerWith } from '../files/carry.ts'
import type { Gateway } from '../gateway.ts'

/**
 * The same answer, whose body breaks where it is too large or falls silent.
 *
 * @throws CfileError `file_too_large` where that is announced; `upstream_error`, `upstream_timeout` where no byte comes
 */
export async function passContent(gateway: Gateway, answer: Response): Promise<Response> {
  const { ok, status, headers, body } = answer
  if (!ok || body === null) return answer
  const { maxFileBytes } = gateway
  const announced = headers.get('content-length')
  if (Number(announced) > maxFileBytes) {
    body.cancel().catch(() => {})
    throw fileTooLarge(Number(announced), maxFileBytes)
  }
  const { 'content-length': length, ...rest } = Object.fromEntries(headers)
  // The length of a coded body is not that of its bytes.
  const isKnown = length !== undefined && rest['content-encoding'] === undefined
  const kept = isKnown ? { ...rest, 'content-length': length } : rest
  return answerWith(gateway, readContent(gateway, answer), { status, headers: kept })
}

function readContent(
  { carrier, wait, idleTimeoutMs, maxFileBytes }: Gateway,
  answer: Response,
): ByteReader {
  const pieces = carrier.read(answer)
  const idle = watchIdle(wait, idleTimeoutMs)
  let left = maxFileBytes

  async function cancel(reason?: unknown): Promise<void> {
    idle.stop()
    await pieces.cancel(reason)
  }

  return {
    cancel,
    async read() {
      try {
        const piece = await idle.watch(pieces.read(left + 1))
        left -= piece?.byteLength ?? 0
        if (left < 0) throw fileTooLarge(maxFileBytes + 1, maxFileBytes)
        if (piece === undefined) idle.stop()
        return piece
      } catch (error) {
        cancel(error).catch(() => {})
        throw error
      }
    },
  }
}

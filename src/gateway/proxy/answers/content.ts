/**
 * Passes file content of the upstream's own API (`…/content`) with the headers of the upstream, and with the size limit,
 * the idle timeout and the resumption of downloads.
 *
 * @module
 */

import { answerWith } from '../../../core/bytes/carrier.ts'
import type { Transfer } from '../../../core/bytes/resume.ts'
import { fileTooLarge } from '../../../core/errors.ts'
import { parseContentRange } from '../../../core/http/range.ts'
import type { Caller, Gateway, Upstream } from '../../gateway.ts'
import { findRecord } from '../../owners/records.ts'
import { reopenSame } from '../../upstreams/file.ts'
import { openedFile } from '../../upstreams/opened-file.ts'

/** The file whose content was requested. */
interface RequestedContent {
  readonly caller: Caller
  /** Absent for content that is no file, such as that of a video. It is not resumed. */
  readonly fileId?: string
  readonly containerId?: string
  readonly upstream: Upstream
  /** The client's signal. */
  readonly signal: AbortSignal
}

/**
 * Wraps the body of an answer so that it is resumed where it breaks off, and breaks when it exceeds the size limit or
 * has another length than the file.
 *
 * @param answer the upstream's answer, whose body has not been read yet
 * @param content the file that the request named
 * @throws CfileError `file_too_large` when the announced length exceeds the limit; `upstream_error` or
 * `upstream_timeout` when the body fails before its first byte
 */
export async function passContent(
  gateway: Gateway,
  answer: Response,
  content: RequestedContent,
): Promise<Response> {
  const { ok, status, body } = answer
  if (!ok || body === null) return answer
  const { signal, fileId = '' } = content
  const headers = Object.fromEntries(answer.headers)
  // `undefined` if the answer contains the whole file or several parts.
  const part = status === 206 ? parseContentRange(answer.headers.get('content-range')) : undefined
  // An encoded body has another length than the file.
  const isWhole = status === 200 && headers['content-encoding'] === undefined
  const announced =
    headers['content-length'] ?? (isWhole ? await recordedLength(gateway, content) : undefined)
  const length = announced === undefined ? undefined : Number(announced)
  const { maxFileBytes } = gateway.bounds
  if (length !== undefined && length > maxFileBytes) {
    body.cancel().catch(() => {})
    throw fileTooLarge(length, maxFileBytes)
  }
  if (length !== undefined) headers['content-length'] = String(length)
  const bytes = part === undefined ? length : part.size
  const facts = { fileId, filename: fileId, bytes }
  const isFile = content.fileId !== undefined && (isWhole || part !== undefined)
  const reopen = isFile ? reopenFile(gateway, answer, content, bytes) : undefined
  const opened = { answer, at: part?.range.start ?? 0 }
  const file = openedFile(gateway, facts, { opened, reopen }, signal)
  const { carrier } = gateway.runtime
  return answerWith(carrier, file.read(part?.range), { status, headers })
}

/** The recorded length of a file in bytes. Only a hint, so a store that is down does not fail the download. */
async function recordedLength(
  gateway: Gateway,
  { caller, fileId }: RequestedContent,
): Promise<number | undefined> {
  if (fileId === undefined) return undefined
  const record = await findRecord(gateway, caller, 'file', fileId).catch(() => undefined)
  return record?.bytes
}

/**
 * Returns the function that asks for the rest of a file, with the validator and the length of the first answer.
 *
 * @param size length of the whole file in bytes, if known
 */
function reopenFile(
  gateway: Gateway,
  { headers }: Response,
  { fileId = '', containerId, upstream, signal }: RequestedContent,
  size: number | undefined,
): Transfer['reopen'] {
  const location = { fileId, containerId, upstreams: [upstream], isRecorded: true }
  const etag = headers.get('etag') ?? undefined
  return reopenSame(gateway, upstream, location, { signal, etag, size })
}

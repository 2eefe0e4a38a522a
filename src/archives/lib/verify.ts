/**
 * Verifies copies while they are read.
 *
 * @module
 */

import { DamagedCopy } from '../../core/bytes/failures.ts'
import type { ArchiveRecord, CreateSha256 } from '../archive.ts'
import { readParts } from './parts.ts'

const partBytes = 128 * 1024
// Copies of up to 256 KiB are verified before their first byte is sent.
const partsHeld = 2

/**
 * Passes a whole copy through. The last 256 KiB pass only if size and SHA-256 match the record.
 *
 * @param body bytes of the whole copy
 * @param createSha256 hash of the runtime
 * @param record size and hash of the copied bytes
 * @throws (from the stream) DamagedCopy
 */
export function verifyBody(
  body: ReadableStream<Uint8Array>,
  { bytes, sha256 }: Pick<ArchiveRecord, 'bytes' | 'sha256'>,
  createSha256: CreateSha256,
): ReadableStream<Uint8Array> {
  const reader = readParts(body)
  const hash = createSha256()
  const held: Uint8Array[] = []
  let remaining = bytes
  let isWhole = false

  async function readOn(): Promise<void> {
    const part = await reader.read(partBytes)
    remaining -= part.byteLength
    if (part.byteLength > 0) held.push(part)
    isWhole = part.byteLength < partBytes
    if (remaining < 0 || (isWhole && remaining > 0))
      throw new DamagedCopy(`Its size is not ${bytes} bytes.`)
    await hash.update(part)
    if (isWhole && (await hash.digest()) !== sha256)
      throw new DamagedCopy('Its hash does not match.')
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          while (!isWhole && held.length <= partsHeld) await readOn()
          const part = held.shift()
          if (part === undefined) controller.close()
          else controller.enqueue(part)
        } catch (error) {
          reader.cancel(error).catch(() => {})
          controller.error(error)
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/**
 * Whether a range covers the whole file.
 *
 * @param record size of the file
 * @param range first and last byte, both included; absent for the whole file
 */
export function isWholeRange(
  { bytes }: Pick<ArchiveRecord, 'bytes'>,
  range?: { readonly start: number; readonly end: number },
): boolean {
  return range === undefined || (range.start === 0 && range.end === bytes - 1)
}

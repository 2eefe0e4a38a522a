/**
 * An archive in process memory. It is the reference for all other archives, and fits tests and demos.
 *
 * @module
 */

import { concatBytes } from '../core/http/body.ts'
import {
  type Archive,
  type ArchiveRecord,
  type CreateSha256,
  copyGone,
  parseArchiveKey,
  parseOwner,
  wrongLength,
} from './archive.ts'

/** Options of {@link memoryArchive}. */
export interface MemoryArchiveOptions {
  readonly createSha256: CreateSha256
  /** The current time in unix seconds. */
  readonly now: () => number
}

interface Copy {
  readonly record: ArchiveRecord
  readonly content: Uint8Array<ArrayBuffer>
  readonly storedAt: number
}

/**
 * Creates an archive that lasts as long as the process.
 *
 * @param options clock and hash of the runtime
 */
export function memoryArchive({ createSha256, now }: MemoryArchiveOptions): Archive {
  const copies = new Map<string, Copy>()

  return {
    async put(key, body, meta, { bytes, signal } = {}) {
      const content = await readAll(body, () => {
        parseArchiveKey(key)
        signal?.throwIfAborted()
      })
      if (bytes !== undefined && content.byteLength !== bytes) throw wrongLength(bytes)
      const hash = createSha256()
      await hash.update(content)
      const sha256 = await hash.digest()
      const record = { bytes: content.byteLength, sha256, meta: { ...meta } }
      copies.set(key, { record, content, storedAt: now() })
      return record
    },

    async get(key) {
      const copy = copies.get(parseArchiveKey(key))
      if (copy === undefined) return undefined
      return {
        key,
        ...copy.record,
        storedAt: copy.storedAt,
        async open({ range, signal } = {}) {
          signal?.throwIfAborted()
          if (copies.get(key) !== copy) throw copyGone()
          const { content } = copy
          const part = range === undefined ? content : content.subarray(range.start, range.end + 1)
          return new Blob([part]).stream().pipeThrough(new TransformStream(), { signal })
        },
      }
    },

    async delete(key) {
      copies.delete(parseArchiveKey(key))
    },

    async *list({ owner } = {}) {
      const prefix = owner === undefined ? '' : `${parseOwner(owner)}/`
      const found = [...copies].filter(([key]) => key.startsWith(prefix))
      yield* found.map(([key, { storedAt }]) => ({ key, storedAt }))
    },

    async removeLeftovers() {
      // Interrupted copies leave nothing in the map.
    },
  }
}

/**
 * Reads a body to its end. Cancels it if reading or the check fails.
 *
 * @param check called before each read; its error ends the reading
 */
async function readAll(
  body: ReadableStream<Uint8Array>,
  check: () => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  try {
    for (;;) {
      check()
      const { done, value } = await reader.read()
      if (done) return concatBytes(chunks)
      chunks.push(value)
    }
  } catch (error) {
    await reader.cancel(error).catch(() => {})
    throw error
  }
}

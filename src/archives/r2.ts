/**
 * An archive in Cloudflare R2, through a Worker's binding
 * (https://developers.cloudflare.com/r2/api/workers/workers-api-reference/).
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import type { Archive } from './archive.ts'
import {
  type Bucket,
  type BucketArchiveOptions,
  bucketArchive,
  folderPrefix,
  type Upload,
} from './lib/bucket.ts'

/** An uploaded part. */
export interface R2Part {
  readonly partNumber: number
  readonly etag: string
}

/** A multipart upload. */
export interface R2Upload {
  uploadPart(partNumber: number, value: Uint8Array): Promise<R2Part>
  complete(parts: R2Part[]): Promise<unknown>
  abort(): Promise<void>
}

/** The part of an R2 binding that is used. */
export interface R2Binding {
  put(key: string, value: Uint8Array): Promise<unknown>
  get(
    key: string,
    options?: { range?: { offset: number; length: number } },
  ): Promise<{
    readonly body: ReadableStream<Uint8Array>
    /** Size of the whole object in bytes. */
    readonly size: number
    readonly uploaded: Date
  } | null>
  delete(key: string): Promise<void>
  list(options: { prefix: string; cursor?: string }): Promise<{
    readonly objects: readonly { readonly key: string; readonly uploaded: Date }[]
    readonly truncated: boolean
    readonly cursor?: string
  }>
  createMultipartUpload(key: string): Promise<R2Upload>
}

/** Options of {@link r2Archive}. An isolate has 128 MB, which limits `memoryBytes`. */
export interface R2ArchiveOptions extends Omit<BucketArchiveOptions, 'bucket'> {
  readonly bucket: R2Binding
  /** Folder in the bucket. @default the bucket's root */
  readonly prefix?: string
  /** Size of a part in bytes, at least 5 MiB. Smaller bodies are sent in one request. @default 8 MiB */
  readonly partBytes?: number
}

/**
 * Creates an archive in a bucket. R2 removes interrupted uploads after a week.
 *
 * @param options a binding of `r2_buckets` in wrangler.toml, and limits
 * @throws (by each method) CfileError `not_ready` if R2 fails
 */
export function r2Archive(options: R2ArchiveOptions): Archive {
  return bucketArchive({ ...options, bucket: r2Bucket(options) })
}

function r2Bucket({ bucket, prefix = '', partBytes = 8 * 1024 * 1024 }: R2ArchiveOptions): Bucket {
  const root = folderPrefix(prefix)
  return {
    partBytes,

    async write(name, bytes, signal) {
      await guarded('put', signal, () => bucket.put(root + name, bytes))
    },

    async startUpload(name, signal) {
      return toUpload(
        await guarded('createMultipartUpload', signal, () =>
          bucket.createMultipartUpload(root + name),
        ),
      )
    },

    async read(name, { range, signal }) {
      const wanted = range && { offset: range.start, length: range.end - range.start + 1 }
      const found = await guarded('get', signal, () => bucket.get(root + name, { range: wanted }))
      if (found === null) return undefined
      const { body, size, uploaded } = found
      const bytes = Math.min(size, wanted?.length ?? size)
      return { body, bytes, modifiedAt: Math.floor(uploaded.getTime() / 1000) }
    },

    async remove(name, signal) {
      await guarded('delete', signal, () => bucket.delete(root + name))
    },

    async *list(names, signal) {
      for (let cursor: string | undefined; ; ) {
        const from = cursor
        const page = await guarded('list', signal, () =>
          bucket.list({ prefix: root + names, cursor: from }),
        )
        for (const { key, uploaded } of page.objects)
          yield { name: key.slice(root.length), modifiedAt: Math.floor(uploaded.getTime() / 1000) }
        if (!page.truncated) return
        cursor = page.cursor
      }
    },
  }
}

/** A multipart upload of R2 as an {@link Upload}. R2 numbers parts from 1. */
function toUpload(upload: R2Upload): Upload {
  const parts: R2Part[] = []
  return {
    async add(bytes, signal) {
      const number = parts.length + 1
      parts.push(await guarded('uploadPart', signal, () => upload.uploadPart(number, bytes)))
    },
    async finish(signal) {
      await guarded('complete', signal, () => upload.complete(parts))
    },
    async abort() {
      await upload.abort().catch(() => {})
    },
  }
}

/**
 * Calls the binding. Adds the abort signal that bindings lack, and converts their errors.
 *
 * @param operation name of the binding's method, for the message
 * @throws CfileError `not_ready`, or the signal's reason
 */
async function guarded<T>(
  operation: string,
  signal: AbortSignal | undefined,
  task: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  try {
    return await (signal === undefined ? task() : Promise.race([task(), aborted(signal)]))
  } catch (cause) {
    signal?.throwIfAborted()
    throw new CfileError('not_ready', `The archive could not be used: R2 failed at ${operation}.`, {
      hint: 'Try again; if it persists, check the bucket in CFILE_ARCHIVE.',
      cause,
    })
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

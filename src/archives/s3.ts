/**
 * An archive in S3 or a compatible service (https://docs.aws.amazon.com/AmazonS3/latest/API/).
 *
 * @module
 */

import type { Archive } from './archive.ts'
import {
  type Bucket,
  type BucketEntry,
  bucketArchive,
  folderPrefix,
  type Upload,
} from './lib/bucket.ts'
import {
  createRequester,
  elementsOf,
  escapeXml,
  type RemoteOptions,
  readObject,
  refused,
  type SendRequest,
  type Sign,
  textOf,
} from './lib/request.ts'

/** Signs requests with SigV4: an `AwsClient` of aws4fetch, created with `service: 's3'` and a region. */
export interface S3Signer {
  sign(url: string, init: { method: string; headers: Record<string, string> }): Promise<Request>
}

/** Options of {@link s3Archive}. */
export interface S3ArchiveOptions extends RemoteOptions {
  readonly signer: S3Signer
  /** URL of the bucket in any style, such as `https://s3.eu-central-1.amazonaws.com/BUCKET`. */
  readonly bucketUrl: string
  /** Folder in the bucket. @default the bucket's root */
  readonly prefix?: string
}

/**
 * Creates an archive in a bucket. Each copy holds one part in memory at a time.
 *
 * @param options URL of the bucket, its signer, and limits
 * @throws (by each method) CfileError `not_ready` while the service refuses or cannot be reached
 */
export function s3Archive(options: S3ArchiveOptions): Archive {
  return bucketArchive({ ...options, bucket: s3Bucket(options) })
}

/** The URLs of a bucket and its objects. */
interface Place {
  bucket(query: Record<string, string>): URL
  object(name: string, query?: Record<string, string>): URL
  /** Converts between names and full keys. */
  toKey(name: string): string
  toName(key: string): string
}

function s3Bucket(options: S3ArchiveOptions): Bucket {
  const { partBytes = 8 * 1024 * 1024 } = options
  const place = placeOf(options)
  const send = createRequester({
    service: 'S3',
    bucket: 'bucket',
    access: 'the key of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    timeoutMs: 60_000,
    ...options,
    sign: signWith(options),
    codeOf: (_, text) => textOf(text, 'Code'),
  })

  return {
    partBytes,

    async write(name, body, signal) {
      const url = place.object(name)
      await send({ operation: 'PutObject', method: 'PUT', url, body, signal })
    },

    startUpload: (name, signal) => startUpload(send, place, name, signal),

    read: (name, options) =>
      readObject(
        send,
        { operation: 'GetObject', url: place.object(name), accept: ['NoSuchKey'] },
        options,
      ),

    async remove(name, signal) {
      const url = place.object(name)
      await send({
        operation: 'DeleteObject',
        method: 'DELETE',
        url,
        signal,
        accept: ['NoSuchKey'],
      })
    },

    list: (prefix, signal) => listObjects(send, place, prefix, signal),
    abandon: (before, signal) => abandonUploads(send, place, before, signal),
  }
}

/** Builds the URLs of a bucket. In S3 each segment of a key is encoded, and the slashes are kept. */
function placeOf({ bucketUrl, prefix = '' }: S3ArchiveOptions): Place {
  const base = bucketUrl.replace(/\/+$/, '')
  const root = folderPrefix(prefix)
  const toKey = (name: string): string => root + name
  const withQuery = (url: string, query: Record<string, string>): URL => {
    const full = new URL(url)
    for (const [key, value] of Object.entries(query)) full.searchParams.set(key, value)
    return full
  }
  return {
    toKey,
    toName: (key) => (key.startsWith(root) ? key.slice(root.length) : ''),
    bucket: (query) => withQuery(base, query),
    object: (name, query = {}) =>
      withQuery(`${base}/${toKey(name).split('/').map(encodeURIComponent).join('/')}`, query),
  }
}

/** Signs the hash of the body too, so that the service refuses bytes that changed in transit. */
function signWith({ signer, createSha256 }: S3ArchiveOptions): Sign {
  return async ({ method, url, headers, body }) => {
    const own: Record<string, string> = {}
    if (body !== undefined) {
      // WebCrypto would copy the part.
      const hash = createSha256()
      await hash.update(body)
      own['x-amz-content-sha256'] = await hash.digest()
    }
    const signed = await signer.sign(url.href, { method, headers: { ...headers, ...own } })
    return signed.headers
  }
}

/**
 * Begins a multipart upload.
 *
 * @throws CfileError `not_ready`
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 */
async function startUpload(
  send: SendRequest,
  place: Place,
  name: string,
  signal?: AbortSignal,
): Promise<Upload> {
  const operation = 'CreateMultipartUpload'
  const url = place.object(name, { uploads: '' })
  const uploadId = textOf(
    await bodyText(send({ operation, method: 'POST', url, signal })),
    'UploadId',
  )
  if (uploadId === undefined) throw refused('S3', operation, 'an answer without an upload')
  const tags: string[] = []

  return {
    async add(body, signal) {
      const url = place.object(name, { partNumber: String(tags.length + 1), uploadId })
      const answer = await send({ operation: 'UploadPart', method: 'PUT', url, body, signal })
      tags.push(answer?.headers.get('etag') ?? '')
    },

    async finish(signal) {
      const operation = 'CompleteMultipartUpload'
      const parts = tags.map(
        (tag, index) =>
          `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeXml(tag)}</ETag></Part>`,
      )
      const body = new TextEncoder().encode(
        `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`,
      )
      const url = place.object(name, { uploadId })
      const text = await bodyText(send({ operation, method: 'POST', url, body, signal }))
      // The operation may fail after the status 200 was sent.
      const code = /<Error>/.test(text) ? textOf(text, 'Code') : undefined
      if (code !== undefined) throw refused('S3', operation, `200 ${code}`)
    },

    async abort() {
      const url = place.object(name, { uploadId })
      await send({ operation: 'AbortMultipartUpload', method: 'DELETE', url }).catch(() => {})
    },
  }
}

/**
 * Lists objects page by page, in the order of their names.
 *
 * @param prefix of the names, without the folder of the bucket
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
async function* listObjects(
  send: SendRequest,
  place: Place,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<BucketEntry> {
  const query = { 'list-type': '2', prefix: place.toKey(prefix) }
  for (let token: string | undefined; ; ) {
    const url = place.bucket(
      token === undefined ? query : { ...query, 'continuation-token': token },
    )
    const text = await bodyText(send({ operation: 'ListObjectsV2', method: 'GET', url, signal }))
    for (const object of elementsOf(text, 'Contents')) {
      const name = place.toName(textOf(object, 'Key') ?? '')
      yield { name, modifiedAt: secondsOf(textOf(object, 'LastModified')) }
    }
    token = textOf(text, 'NextContinuationToken')
    if (token === undefined) return
  }
}

/**
 * Cancels multipart uploads that an earlier process began and did not end: S3 charges for their parts.
 *
 * @param before unix second
 */
async function abandonUploads(
  send: SendRequest,
  place: Place,
  before: number,
  signal?: AbortSignal,
): Promise<void> {
  for (let marker: Record<string, string> = {}; ; ) {
    const url = place.bucket({ uploads: '', prefix: place.toKey(''), ...marker })
    const operation = 'ListMultipartUploads'
    // Some compatible services cannot list uploads; they remove old ones by their own rules.
    const accept = ['NotImplemented']
    const text = await bodyText(send({ operation, method: 'GET', url, signal, accept }))
    for (const upload of elementsOf(text, 'Upload')) {
      const uploadId = textOf(upload, 'UploadId') ?? ''
      const url = place.object(place.toName(textOf(upload, 'Key') ?? ''), { uploadId })
      if (secondsOf(textOf(upload, 'Initiated')) >= before) continue
      const operation = 'AbortMultipartUpload'
      await send({ operation, method: 'DELETE', url, signal, accept: ['NoSuchUpload'] })
    }
    if (textOf(text, 'IsTruncated') !== 'true') return
    marker = {
      'key-marker': textOf(text, 'NextKeyMarker') ?? '',
      'upload-id-marker': textOf(text, 'NextUploadIdMarker') ?? '',
    }
  }
}

/** The unix second of an ISO 8601 date; NaN for none. */
function secondsOf(date: string | undefined): number {
  return Math.floor(Date.parse(date ?? '') / 1000)
}

/** The text of an answer; empty for an error that was accepted. */
async function bodyText(response: Promise<Response | undefined>): Promise<string> {
  return (await (await response)?.text()) ?? ''
}

/**
 * An archive in S3 or anything that speaks its language (https://docs.aws.amazon.com/AmazonS3/latest/API/).
 *
 * @module
 */

import type { Wait } from '../core/time.ts'
import type { Archive, CreateSha256 } from './archive.ts'
import { type Bucket, type BucketEntry, bucketArchive, type Upload } from './lib/bucket.ts'
import { createRequester, refused, type SendRequest, type Sign, toObject } from './lib/request.ts'
import { elementsOf, escapeXml, textOf } from './lib/xml.ts'

/** What signs requests with SigV4: an `AwsClient` of aws4fetch, made with `service: 's3'` and a region. */
export interface S3Signer {
  sign(url: string, init: { method: string; headers: Record<string, string> }): Promise<Request>
}

/** Options of {@link s3Archive}. */
export interface S3ArchiveOptions {
  readonly signer: S3Signer
  /** Where the bucket is, in whichever style: `https://s3.eu-central-1.amazonaws.com/BUCKET`. */
  readonly bucketUrl: string
  /** The folder in the bucket. @default the bucket's root */
  readonly prefix?: string
  readonly fetch: typeof fetch
  readonly wait: Wait
  readonly createSha256: CreateSha256
  /** A text that was never used before, of letters, digits and `-`: `crypto.randomUUID`. */
  readonly newName: () => string
  /** Bytes of a part, at least 5 MiB; what is no larger is sent whole. @default 8 MiB */
  readonly partBytes?: number
  /** Bytes that all copies together hold in memory. @default two parts */
  readonly memoryBytes?: number
  /** Milliseconds to the headers of an answer. @default 60000 */
  readonly timeoutMs?: number
}

/** Keeps copies in a bucket; of each body, one part is in memory at a time. */
export function s3Archive(options: S3ArchiveOptions): Archive {
  return bucketArchive({ ...options, bucket: s3Bucket(options) })
}

/** Where a bucket and its objects are. */
interface Place {
  bucket(query: Record<string, string>): URL
  object(name: string, query?: Record<string, string>): URL
  /** The full key of a name, and the name in a full key. */
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

    async read(name, { range, signal }) {
      const response = await send({
        operation: 'GetObject',
        method: 'GET',
        url: place.object(name),
        headers: range && { range: `bytes=${range.start}-${range.end}` },
        signal,
        accept: ['NoSuchKey'],
      })
      return response && toObject(response)
    },

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

function placeOf({ bucketUrl, prefix = '' }: S3ArchiveOptions): Place {
  const base = bucketUrl.replace(/\/+$/, '')
  const folder = prefix.replace(/^\/+|\/+$/g, '')
  const root = folder === '' ? '' : `${folder}/`
  const toKey = (name: string): string => root + name
  const withQuery = (url: string, query: Record<string, string>): URL => {
    const made = new URL(url)
    for (const [key, value] of Object.entries(query)) made.searchParams.set(key, value)
    return made
  }
  return {
    toKey,
    toName: (key) => (key.startsWith(root) ? key.slice(root.length) : ''),
    bucket: (query) => withQuery(base, query),
    object: (name, query = {}) =>
      withQuery(`${base}/${toKey(name).split('/').map(encodeURIComponent).join('/')}`, query),
  }
}

/** Signs the body's hash too, so that the service refuses bytes that changed on the way. */
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
      // It may fail after it has answered 200.
      const code = /<Error>/.test(text) ? textOf(text, 'Code') : undefined
      if (code !== undefined) throw refused('S3', operation, `200 ${code}`)
    },

    async abort() {
      const url = place.object(name, { uploadId })
      await send({ operation: 'AbortMultipartUpload', method: 'DELETE', url }).catch(() => {})
    },
  }
}

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

async function abandonUploads(
  send: SendRequest,
  place: Place,
  before: number,
  signal?: AbortSignal,
): Promise<void> {
  for (let marker: Record<string, string> = {}; ; ) {
    const url = place.bucket({ uploads: '', prefix: place.toKey(''), ...marker })
    const operation = 'ListMultipartUploads'
    // Not everything that speaks S3 can list uploads; such services drop old ones by rules of their own.
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

function secondsOf(date: string | undefined): number {
  return Math.floor(Date.parse(date ?? '') / 1000)
}

async function bodyText(response: Promise<Response | undefined>): Promise<string> {
  return (await (await response)?.text()) ?? ''
}

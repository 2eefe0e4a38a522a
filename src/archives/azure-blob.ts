/**
 * An archive in a container of Azure Blob Storage
 * (https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api).
 *
 * @module
 */

import { fromBase64, toBase64 } from '../core/encoding.ts'
import type { Archive } from './archive.ts'
import { type Bucket, type BucketEntry, bucketArchive, type Upload } from './lib/bucket.ts'
import {
  createRequester,
  elementsOf,
  type RemoteOptions,
  readObject,
  type SendRequest,
  type StorageRequest,
  textOf,
} from './lib/request.ts'

/** Authentication: {@link sharedKey}, {@link sharedAccessSignature} or {@link entraId}. */
export interface BlobAuth {
  /** Query that is added to each URL, without its `?`. */
  readonly query?: string
  /** The value of `authorization` for a request with final headers. */
  authorize?(request: SignedRequest): Promise<string>
}

interface SignedRequest extends StorageRequest {
  readonly headers: Readonly<Record<string, string>>
}

/** A credential for Entra ID: cfile's `Credential`, or any object that returns a header value for a scope. */
export interface BlobCredential {
  authorize(scope: string, options?: { signal?: AbortSignal }): Promise<{ readonly value: string }>
}

/** Options of {@link azureBlobArchive}. */
export interface AzureBlobArchiveOptions extends RemoteOptions {
  /** `https://ACCOUNT.blob.core.windows.net/CONTAINER`, without a query. */
  readonly containerUrl: string
  readonly auth: BlobAuth
  /** The current time in unix seconds. */
  readonly now: () => number
}

/**
 * Creates an archive in a blob container. Azure removes blocks of interrupted copies after a week.
 *
 * @param options URL of the container, how to sign in, and limits
 * @throws (by each method) CfileError `not_ready` while the service refuses or cannot be reached
 */
export function azureBlobArchive(options: AzureBlobArchiveOptions): Archive {
  return bucketArchive({ ...options, bucket: blobBucket(options) })
}

/**
 * Authenticates with a shared access signature. It must allow read, write, list and delete.
 *
 * @param query of the SAS URL, with or without its `?`
 * @see https://learn.microsoft.com/rest/api/storageservices/create-service-sas
 */
export function sharedAccessSignature(query: string): BlobAuth {
  return { query: query.replace(/^\?/, '') }
}

/**
 * Authenticates with Entra ID. The identity needs the role Storage Blob Data Contributor.
 *
 * @param credential signs for the scope of Azure Storage
 */
export function entraId(credential: BlobCredential): BlobAuth {
  return {
    async authorize({ signal }) {
      return (await credential.authorize('https://storage.azure.com/.default', { signal })).value
    },
  }
}

/**
 * Authenticates with an account key (https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key).
 *
 * @param account name of the storage account
 * @param key in base64
 */
export function sharedKey(account: string, key: string): BlobAuth {
  const imported = crypto.subtle.importKey(
    'raw',
    fromBase64(key),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  )
  // An invalid key is reported by the first request.
  imported.catch(() => {})
  return {
    async authorize(request) {
      const text = new TextEncoder().encode(stringToSign(account, request))
      const signature = await crypto.subtle.sign('HMAC', await imported, text)
      return `SharedKey ${account}:${toBase64(new Uint8Array(signature))}`
    },
  }
}

/**
 * The text that an account key signs: method, standard headers, `x-ms-` headers and resource, one in each line.
 *
 * @param account name of the storage account
 * @see
 *   https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key#blob-queue-and-file-services-shared-key-authorization
 */
function stringToSign(account: string, { method, url, headers, body }: SignedRequest): string {
  const length = body === undefined || body.byteLength === 0 ? '' : String(body.byteLength)
  const ours = Object.keys(headers)
    .filter((name) => name.startsWith('x-ms-'))
    .sort()
    .map((name) => `${name}:${headers[name]}`)
  const query = [...url.searchParams].map(([name, value]) => `${name}:${value}`).sort()
  // Content-Encoding, Content-Language, length, MD5, type, date, four conditions, range.
  const standard = [method, '', '', length, '', '', '', '', '', '', '', headers.range ?? '']
  return [...standard, ...ours, `/${account}${url.pathname}`, ...query].join('\n')
}

type Place = (name: string, query?: Record<string, string>) => URL

/** The operations of a blob container. Blocks have 8 MiB unless the options say otherwise. */
function blobBucket(options: AzureBlobArchiveOptions): Bucket {
  const { partBytes = 8 * 1024 * 1024 } = options
  const { place, send } = opened(options)

  return {
    partBytes,

    async write(name, body, signal) {
      const headers = { 'x-ms-blob-type': 'BlockBlob' }
      await send({ operation: 'PutBlob', method: 'PUT', url: place(name), headers, body, signal })
    },

    startUpload: async (name) => startUpload(send, place, name),

    read: (name, options) =>
      readObject(
        send,
        { operation: 'GetBlob', url: place(name), accept: ['BlobNotFound'] },
        options,
      ),

    async remove(name, signal) {
      const [operation, accept] = ['DeleteBlob', ['BlobNotFound']]
      await send({ operation, method: 'DELETE', url: place(name), signal, accept })
    },

    list: (prefix, signal) => listBlobs(send, place, prefix, signal),
  }
}

/** The URLs of a container, and the function that sends signed requests to them. */
function opened(options: AzureBlobArchiveOptions): { place: Place; send: SendRequest } {
  const { auth, now } = options
  const base = options.containerUrl.replace(/\/+$/, '')
  return {
    place(name, query = {}) {
      // Names contain no character that URLs encode.
      const url = new URL(name === '' ? base : `${base}/${name}`)
      url.search = auth.query ?? ''
      for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value)
      return url
    },
    send: createRequester({
      service: 'Azure Blob Storage',
      bucket: 'container',
      access:
        'AZURE_STORAGE_KEY, the SAS in CFILE_ARCHIVE, or the role Storage Blob Data Contributor of the identity',
      timeoutMs: 60_000,
      ...options,
      codeOf: ({ headers }, text) => headers.get('x-ms-error-code') ?? textOf(text, 'Code'),
      async sign(request) {
        const headers = {
          ...request.headers,
          'x-ms-date': new Date(now() * 1000).toUTCString(),
          'x-ms-version': '2021-12-02',
        }
        const authorization = await auth.authorize?.({ ...request, headers })
        return authorization === undefined ? headers : { ...headers, authorization }
      },
    }),
  }
}

/**
 * Begins a blob of several blocks. Nothing is sent before the first block; the list of blocks makes the blob visible.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/put-block-list
 */
function startUpload(send: SendRequest, place: Place, name: string): Upload {
  const ids: string[] = []
  return {
    async add(body, signal) {
      const blockid = btoa(String(ids.length).padStart(8, '0'))
      const url = place(name, { comp: 'block', blockid })
      await send({ operation: 'PutBlock', method: 'PUT', url, body, signal })
      ids.push(blockid)
    },

    async finish(signal) {
      const blocks = ids.map((id) => `<Uncommitted>${id}</Uncommitted>`).join('')
      const body = new TextEncoder().encode(`<BlockList>${blocks}</BlockList>`)
      const url = place(name, { comp: 'blocklist' })
      await send({ operation: 'PutBlockList', method: 'PUT', url, body, signal })
    },

    async abort() {
      // Azure removes uncommitted blocks itself.
    },
  }
}

/**
 * Lists blobs page by page, in the order of their names.
 *
 * @param prefix of the names
 * @see https://learn.microsoft.com/rest/api/storageservices/list-blobs
 */
async function* listBlobs(
  send: SendRequest,
  place: Place,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<BucketEntry> {
  for (let marker = ''; ; ) {
    const query = { restype: 'container', comp: 'list', prefix, ...(marker && { marker }) }
    const response = await send({
      operation: 'ListBlobs',
      method: 'GET',
      url: place('', query),
      signal,
    })
    const text = (await response?.text()) ?? ''
    for (const blob of elementsOf(text, 'Blob')) {
      const modified = Date.parse(textOf(blob, 'Last-Modified') ?? '')
      yield { name: textOf(blob, 'Name') ?? '', modifiedAt: Math.floor(modified / 1000) }
    }
    marker = textOf(text, 'NextMarker') ?? ''
    if (marker === '') return
  }
}

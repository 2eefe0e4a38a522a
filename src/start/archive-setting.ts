/**
 * `CFILE_ARCHIVE`: which archive, where, and who signs in to it.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import { isLoopback } from '../core/http/loopback.ts'

/** An archive that was chosen. */
export type ArchiveSetting =
  | { readonly kind: 'fs'; readonly folder: string }
  | {
      readonly kind: 's3'
      /** The bucket's own URL, in path style. */
      readonly bucketUrl: string
      readonly prefix: string
      readonly region: string
      readonly accessKeyId: string
      readonly secretAccessKey: string
      readonly sessionToken?: string
    }
  | {
      readonly kind: 'azblob'
      /** The container's URL, without query. */
      readonly containerUrl: string
      /** A shared access signature, without its `?`. */
      readonly sas?: string
      /** A key of the account, in base64. Without this and without a SAS: Entra. */
      readonly accountKey?: string
    }
  | { readonly kind: 'r2'; readonly binding: string }

/** The credentials that stand in settings of their own. */
export interface ArchiveSecrets {
  readonly awsAccessKeyId?: string
  readonly awsSecretAccessKey?: string
  readonly awsSessionToken?: string
  readonly azureStorageKey?: string
}

/**
 * Reads the setting; `undefined` for `off`.
 *
 * @throws CfileError `invalid_request` that shows no more than the kind, since a URL may hold a signature
 */
export function parseArchiveSetting(
  text: string,
  secrets: ArchiveSecrets,
): ArchiveSetting | undefined {
  if (text === 'off') return undefined
  const [, scheme = '', rest = ''] = /^([a-z0-9]+):(.*)$/s.exec(text) ?? []
  if (scheme === 'fs' && rest !== '') return { kind: 'fs', folder: rest }
  if (scheme === 'r2' && /^[A-Za-z_]\w*$/.test(rest)) return { kind: 'r2', binding: rest }
  if (scheme === 's3') return readS3(text, secrets)
  if (scheme === 'azblob') return readAzureBlob(rest, secrets)
  throw wrongArchive(
    scheme === '' ? 'something without a scheme' : `"${scheme}:" and something that does not fit`,
  )
}

function readS3(text: string, secrets: ArchiveSecrets): ArchiveSetting {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^[a-z0-9][a-z0-9.-]{1,62}$/.test(url.hostname)) {
    throw wrongArchive('an s3: URL without a bucket')
  }
  const region = url.searchParams.get('region') ?? 'us-east-1'
  const endpoint = url.searchParams.get('endpoint') ?? `https://s3.${region}.amazonaws.com`
  if (!isSafe(endpoint)) throw wrongArchive('an s3: URL whose endpoint is not https')
  const { awsAccessKeyId: accessKeyId, awsSecretAccessKey: secretAccessKey } = secrets
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw missing(accessKeyId === undefined ? 'AWS_ACCESS_KEY_ID' : 'AWS_SECRET_ACCESS_KEY')
  }
  return {
    kind: 's3',
    bucketUrl: `${endpoint.replace(/\/+$/, '')}/${url.hostname}`,
    prefix: decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, ''),
    region,
    accessKeyId,
    secretAccessKey,
    sessionToken: secrets.awsSessionToken,
  }
}

function readAzureBlob(text: string, { azureStorageKey }: ArchiveSecrets): ArchiveSetting {
  if (!isSafe(text)) throw wrongArchive('an azblob: URL that is not https')
  const { origin, pathname, search } = new URL(text)
  const path = pathname.replace(/\/+$/, '')
  if (!/^(?:\/[\w$-]+){1,2}$/.test(path)) throw wrongArchive('an azblob: URL without a container')
  return {
    kind: 'azblob',
    containerUrl: origin + path,
    sas: search === '' ? undefined : search.slice(1),
    accountKey: azureStorageKey,
  }
}

function isSafe(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  const isPrivate = protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
  return isPrivate && username === '' && password === ''
}

function wrongArchive(got: string): CfileError {
  return new CfileError(
    'invalid_request',
    `CFILE_ARCHIVE got ${got}, but takes off, fs:DIR, s3://BUCKET/PREFIX?endpoint=&region=, azblob:https://ACCOUNT.blob.core.windows.net/CONTAINER or r2:BINDING.`,
    { param: 'CFILE_ARCHIVE' },
  )
}

function missing(name: string): CfileError {
  return new CfileError('invalid_request', `CFILE_ARCHIVE is an s3: URL, but ${name} is not set.`, {
    param: name,
  })
}

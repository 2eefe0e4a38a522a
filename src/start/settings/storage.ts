/**
 * The settings of the store and the archive.
 *
 * @module
 */

import { CfileError } from '../../core/errors.ts'
import { isLoopback } from '../../core/url.ts'
import type { AppOptions } from '../../options.ts'
import {
  type Declared,
  like,
  oneOf,
  parsedBy,
  readSettings,
  type Setting,
  text,
  type Variables,
  whole,
} from './setting.ts'

/** A store as `CFILE_STORE` names it. */
export type StoreSetting =
  | { readonly kind: 'memory' }
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'redis'; readonly url: string }
  | { readonly kind: 'd1' | 'kv'; readonly binding: string }

/**
 * Reads `CFILE_STORE`.
 *
 * @throws CfileError `invalid_request` with no more of the value than its scheme, since a URL may hold a password
 */
function parseStore(text: string): StoreSetting {
  const [, scheme = '', rest = ''] = /^([a-z0-9]+):(.*)$/s.exec(text) ?? []
  if (scheme === 'memory' && rest === '') return { kind: 'memory' }
  if (scheme === 'sqlite' && rest !== '') return { kind: 'sqlite', path: rest }
  if ((scheme === 'redis' || scheme === 'rediss') && URL.canParse(text)) {
    return { kind: 'redis', url: text }
  }
  if ((scheme === 'd1' || scheme === 'kv') && /^[A-Za-z_]\w*$/.test(rest)) {
    return { kind: scheme, binding: rest }
  }
  throw new CfileError(
    'invalid_request',
    `CFILE_STORE got ${scheme === '' ? 'something without a scheme' : `"${scheme}:" and something that does not fit`}, but takes memory:, sqlite:PATH, redis://HOST:PORT/DB, d1:BINDING or kv:BINDING.`,
    { param: 'CFILE_STORE' },
  )
}

/** An archive as `CFILE_ARCHIVE` names it. */
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
      /** A key of the account, in base64. Without a key and a SAS, Entra ID is used. */
      readonly accountKey?: string
    }
  | { readonly kind: 'r2'; readonly binding: string }

/** The settings of an archive, and the secrets to sign in to it. */
interface ArchiveSettings {
  readonly archive?: string
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  readonly sessionToken?: string
  readonly storageKey?: string
}

/**
 * Where records are kept: `memory:`, `sqlite:PATH`, `redis://…`, `d1:BINDING`, `kv:BINDING`.
 *
 * @default `sqlite:` in the data folder; on Workers the first bound of D1 and KV
 */
export const storeSetting: Setting<StoreSetting> = {
  name: 'CFILE_STORE',
  schema: parsedBy(parseStore),
  takes: 'memory:, sqlite:PATH, redis://…, d1:BINDING or kv:BINDING',
}

const base64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The settings of {@link ArchiveSettings}. */
export const archiveSettings: Declared<ArchiveSettings> = {
  /**
   * Where copies are kept that outlive the containers: `off`, `fs:DIR`, `s3://BUCKET/PREFIX?endpoint=&region=`,
   * `azblob:` and the URL of a blob container, `r2:BINDING`.
   *
   * @default off
   */
  archive: {
    name: 'CFILE_ARCHIVE',
    schema: text,
    takes: 'off, fs:DIR, s3://BUCKET/PREFIX, azblob:https://… or r2:BINDING',
    secret: true,
  },
  /** The access key for an `s3:` archive. */
  accessKeyId: { name: 'AWS_ACCESS_KEY_ID', schema: text, takes: 'the id of an access key' },
  /** The secret of that access key. */
  secretAccessKey: {
    name: 'AWS_SECRET_ACCESS_KEY',
    schema: text,
    takes: 'the secret of that access key',
    secret: true,
  },
  /** The session token of a temporary access key. */
  sessionToken: {
    name: 'AWS_SESSION_TOKEN',
    schema: text,
    takes: 'the token of a session',
    secret: true,
  },
  /** The account key for an `azblob:` archive whose URL has no SAS; without it, Entra ID. */
  storageKey: {
    name: 'AZURE_STORAGE_KEY',
    schema: like(base64),
    takes: 'a key of the storage account, in base64',
    secret: true,
  },
}

/** Options of `createApp` for copies. */
export type CopyOptions = Pick<AppOptions, 'archiveMode' | 'archiveConcurrency' | 'archiveTtl'>

/** The settings of {@link CopyOptions}. */
export const copySettings: Declared<CopyOptions> = {
  /** `eager` copies a file when it is cited, `lazy` on its first download. @default eager */
  archiveMode: { name: 'CFILE_ARCHIVE_MODE', ...oneOf(['eager', 'lazy']) },
  /** Copies that are made at the same time. @default 4 */
  archiveConcurrency: {
    name: 'CFILE_ARCHIVE_CONCURRENCY',
    schema: whole(1, 1000),
    takes: 'a number of copies',
  },
  /** Seconds that a copy is kept; 0 keeps it for ever. @default 0 */
  archiveTtl: {
    name: 'CFILE_ARCHIVE_TTL',
    schema: whole(0),
    takes: 'a number of seconds, 0 for ever',
  },
}

/**
 * Reads the setting of the archive; `undefined` for `off`.
 *
 * @param variables of the process, or bindings of a Worker
 * @throws CfileError `invalid_request` with no more of the value than its scheme, since a URL may hold a signature
 */
export function parseArchive(variables: Variables): ArchiveSetting | undefined {
  const { archive: text = 'off', ...secrets } = readSettings(variables, archiveSettings)
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

/**
 * Reads `s3://BUCKET/PREFIX?endpoint=&region=`. Requests use the path style, which every compatible service knows.
 *
 * @throws CfileError `invalid_request`, also for missing access keys
 */
function readS3(text: string, secrets: ArchiveSettings): ArchiveSetting {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^[a-z0-9][a-z0-9.-]{1,62}$/.test(url.hostname)) {
    throw wrongArchive('an s3: URL without a bucket')
  }
  const region = url.searchParams.get('region') ?? 'us-east-1'
  const endpoint = url.searchParams.get('endpoint') ?? `https://s3.${region}.amazonaws.com`
  if (!isSafe(endpoint)) throw wrongArchive('an s3: URL whose endpoint is not https')
  const { accessKeyId, secretAccessKey } = secrets
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
    sessionToken: secrets.sessionToken,
  }
}

/**
 * Reads the URL of a blob container and its SAS, if it has one. In URLs of Azurite the path begins with the account.
 *
 * @throws CfileError `invalid_request`
 */
function readAzureBlob(text: string, { storageKey }: ArchiveSettings): ArchiveSetting {
  if (!isSafe(text)) throw wrongArchive('an azblob: URL that is not https')
  const { origin, pathname, search } = new URL(text)
  const path = pathname.replace(/\/+$/, '')
  if (!/^(?:\/[\w$-]+){1,2}$/.test(path)) throw wrongArchive('an azblob: URL without a container')
  return {
    kind: 'azblob',
    containerUrl: origin + path,
    sas: search === '' ? undefined : search.slice(1),
    accountKey: storageKey,
  }
}

/** Whether a URL is https or on this machine, and has no user name. */
function isSafe(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  const isPrivate = protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
  return isPrivate && username === '' && password === ''
}

/**
 * The error for `CFILE_ARCHIVE`.
 *
 * @param got description of the value without anything that may be secret
 */
function wrongArchive(got: string): CfileError {
  return new CfileError(
    'invalid_request',
    `CFILE_ARCHIVE got ${got}, but takes off, fs:DIR, s3://BUCKET/PREFIX?endpoint=&region=, azblob:https://ACCOUNT.blob.core.windows.net/CONTAINER or r2:BINDING.`,
    { param: 'CFILE_ARCHIVE' },
  )
}

/** The error for an S3 archive without its access key. */
function missing(name: string): CfileError {
  return new CfileError('invalid_request', `CFILE_ARCHIVE is an s3: URL, but ${name} is not set.`, {
    param: name,
  })
}

/**
 * Opens archives over the network, which work on every runtime.
 *
 * @module
 */

import { AwsClient } from 'aws4fetch'
import type { Archive } from '../archives/archive.ts'
import {
  azureBlobArchive,
  type BlobAuth,
  type BlobCredential,
  entraId,
  sharedAccessSignature,
  sharedKey,
} from '../archives/azure-blob.ts'
import { s3Archive } from '../archives/s3.ts'
import type { Credential } from '../azure/credentials.ts'
import { CfileError } from '../core/errors.ts'
import { isLoopback } from '../core/url.ts'
import { webRuntime } from '../runtime.ts'
import type { ArchiveSetting } from './settings/storage.ts'
import type { StorageTools } from './storage.ts'

/** The setting of a remote archive. */
export type RemoteSetting = Extract<ArchiveSetting, { kind: 's3' | 'azblob' }>

type BlobSetting = Extract<ArchiveSetting, { kind: 'azblob' }>

/**
 * Opens S3 or Azure Blob Storage. No request is sent before the first use.
 *
 * @param setting kind, URL and keys of the archive
 * @param identity Entra ID, for Azure Blob Storage without a key
 * @param tools network, timer and hash of the runtime
 * @throws CfileError `invalid_request` without credentials for it
 */
export function openRemoteArchive(
  setting: RemoteSetting,
  identity: Credential | undefined,
  tools: StorageTools,
): Archive {
  if (setting.kind === 'azblob') {
    const { containerUrl } = setting
    return azureBlobArchive({ ...tools, containerUrl, auth: authOf(setting, identity, tools) })
  }
  const signer = new AwsClient({ ...setting, service: 's3' })
  const { bucketUrl, prefix } = setting
  return s3Archive({ ...tools, signer, bucketUrl, prefix })
}

/**
 * Chooses how to sign in to Azure Blob Storage: by the SAS in the URL, else by the account key, else by Entra ID.
 *
 * @throws CfileError `invalid_request` without any of them
 */
function authOf(
  { containerUrl, sas, accountKey }: BlobSetting,
  identity: Credential | undefined,
  tools: StorageTools,
): BlobAuth {
  if (sas !== undefined) return sharedAccessSignature(sas)
  if (accountKey !== undefined) return sharedKey(accountOf(containerUrl), accountKey)
  if (identity !== undefined) {
    const { random, waitUntil } = webRuntime
    const authorize: BlobCredential['authorize'] = (scope, options) =>
      identity.authorize(scope, { ...tools, random, waitUntil, ...options })
    return entraId({ authorize })
  }
  throw new CfileError(
    'invalid_request',
    'CFILE_ARCHIVE is an azblob: URL, but there is no credential for it: set AZURE_STORAGE_KEY, put a SAS into the URL, or set up Entra ID (AZURE_TENANT_ID, AZURE_CLIENT_ID …).',
    { param: 'CFILE_ARCHIVE' },
  )
}

/** Returns the account: the first label of the host, or on loopback, as in Azurite, the first segment of the path. */
function accountOf(containerUrl: string): string {
  const { hostname, pathname } = new URL(containerUrl)
  const [account = ''] = isLoopback(hostname) ? pathname.split('/').slice(1) : hostname.split('.')
  return account
}

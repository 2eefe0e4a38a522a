/**
 * Creates the blob container of the archive in Azurite, which starts with none. compose.yaml runs it once.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/create-container
 * @see https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
 */

import { createHmac } from 'node:crypto'

const archive = process.env.CFILE_ARCHIVE?.replace(/^azblob:/, '') ?? ''
const key = process.env.AZURE_STORAGE_KEY ?? ''
const { origin, pathname } = new URL(archive)
// On loopback the account is the first part of the path.
const [, account = ''] = pathname.split('/')

const headers = { 'x-ms-date': new Date().toUTCString(), 'x-ms-version': '2021-08-06' }
const signed = [
  // Method, then eleven standard headers that are empty here.
  `PUT${'\n'.repeat(12)}x-ms-date:${headers['x-ms-date']}`,
  `x-ms-version:${headers['x-ms-version']}`,
  `/${account}${pathname}`,
  'restype:container',
].join('\n')
const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(signed).digest('base64')

const { status } = await fetch(`${origin}${pathname}?restype=container`, {
  method: 'PUT',
  headers: { ...headers, authorization: `SharedKey ${account}:${signature}` },
})
// 409: it is there already.
if (status !== 201 && status !== 409) throw new Error(`Azurite answered ${status}.`)

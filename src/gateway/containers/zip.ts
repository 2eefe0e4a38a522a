/**
 * Serves the files that code wrote into a container as one zip, which is created while it is sent.
 *
 * The files are stored without compression, so that the length of the zip is known in advance from the list. A file is
 * opened when all files before it were sent. If it fails or differs from the list, the connection is closed.
 *
 * @module
 */

import type { ContainerFile } from '../../azure/operations.ts'
import { answerWith } from '../../core/bytes/carrier.ts'
import type { ByteReader } from '../../core/bytes/reader.ts'
import { CfileError } from '../../core/errors.ts'
import { type ZipEntry, zipFiles, zipLength, zipNames } from '../../core/zip/zip.ts'
import { type Exchange, setServedFrom } from '../exchange.ts'
import { deliveryHeaders } from '../files/headers.ts'
import { openSource } from '../files/source.ts'
import type { Caller, Gateway } from '../gateway.ts'
import type { FileLocation } from '../upstreams/location.ts'
import { dropListing, type ListQuery, listFiles, locationOf } from './listing.ts'

// Far more than any known container has.
const mostFiles = 10_000
// The largest zip, as a multiple of the largest file.
const mostOfFileLimit = 16

/**
 * Answers with a zip of all files that code wrote. A file that fails midway breaks the connection.
 *
 * @param query the container; with HEAD no file is opened
 * @throws CfileError the errors of {@link listFiles}; `file_too_large`
 */
export async function zipContainer(
  gateway: Gateway,
  caller: Caller,
  query: ListQuery & { readonly method: 'GET' | 'HEAD'; readonly exchange: Exchange },
): Promise<Response> {
  const { containerId, method, signal, exchange } = query
  // A cached list may name files of a container that has expired since.
  dropListing(gateway, containerId)
  const listing = await listFiles(gateway, caller, query)
  // Input files are left out, since the caller uploaded them.
  const files = listing.files.filter(({ source }) => source === 'assistant')
  checkLimits(gateway, files)
  const names = zipNames(files.map(({ path }) => path.replace(/^\/mnt\/data\//, '')))
  const entries = files.map((file, index): ZipEntry => {
    const location = locationOf(containerId, listing, file)
    const open = (closed: AbortSignal) =>
      openEntry(gateway, location, gateway.observed.traces.either(signal, closed), exchange)
    return { name: names[index] ?? '', bytes: file.bytes ?? undefined, time: file.created_at, open }
  })
  const length = zipLength(entries)
  const filename = `${containerId}.zip`
  const headers = {
    ...deliveryHeaders(
      { fileId: containerId, filename, type: 'application/zip' },
      { disposition: 'attachment', isGranted: query.isGranted },
    ),
    ...(length === undefined ? {} : { 'content-length': String(length) }),
  }
  if (method === 'HEAD') return new Response(null, { headers })
  exchange.body = 'passing'
  exchange.isDownload = true
  return answerWith(gateway.runtime.carrier, zipFiles(entries), { headers })
}

/** Checks the known sizes. Files of unknown size are checked while they are sent. */
function checkLimits({ bounds: { maxFileBytes } }: Gateway, files: readonly ContainerFile[]): void {
  const sizes = files.map(({ bytes }) => bytes ?? 0)
  const largest = Math.max(0, ...sizes)
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
  if (largest <= maxFileBytes && total <= maxFileBytes * mostOfFileLimit) {
    if (files.length <= mostFiles) return
    throw tooMuch(`${files.length} files; a zip holds at most ${mostFiles}`)
  }
  throw tooMuch(
    `${total} bytes of files, the largest of ${largest}; this gateway serves at most ${maxFileBytes} in a file and ${mostOfFileLimit} times that in a zip`,
  )
}

/**
 * The error for a container that is too large for one zip.
 *
 * @param what what the container has, with the limit
 */
function tooMuch(what: string): CfileError {
  return new CfileError('file_too_large', `The container has ${what}.`, {
    param: 'CFILE_MAX_FILE_BYTES',
    hint: 'Download the files one by one; the operator of the gateway can raise CFILE_MAX_FILE_BYTES.',
  })
}

/** Opens one file of the zip and checks its length against the list. */
async function openEntry(
  gateway: Gateway,
  location: FileLocation,
  signal: AbortSignal,
  exchange: Exchange,
): Promise<ByteReader> {
  const source = await openSource(gateway, location, { signal })
  const file = await source.open()
  setServedFrom(exchange, file.facts.upstream)
  const { bytes } = file.facts
  const listed = location.record?.bytes
  const isOther = listed !== undefined && bytes !== listed
  if (!isOther && (bytes ?? 0) <= gateway.bounds.maxFileBytes) return file.read()
  await file.cancel()
  throw isOther
    ? new CfileError('upstream_invalid', 'A file has another length than listed.')
    : tooMuch(
        `a file of ${bytes} bytes; this gateway serves at most ${gateway.bounds.maxFileBytes}`,
      )
}

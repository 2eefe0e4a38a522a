/**
 * A grant: what a signed link allows its holder to GET, and until when.
 *
 * @module
 */

import { CfileError } from '../errors.ts'
import { cleanFilename } from '../http/content-disposition.ts'
import { parseContainerId, parseFileId } from '../ids.ts'

interface Terms {
  /** Unix second at which the link expires. */
  readonly expiresAt: number
  /** Name of the upstream that has the thing. @default any upstream that has it */
  readonly upstream?: string
  /**
   * Key of the owner, 1 to 64 of `A-Z a-z 0-9 _ -`. @default the single owner of a gateway without caller
   * authentication
   */
  readonly owner?: string
}

/** Grants the bytes of one file. It contains everything needed to serve the file, so no store is read. */
export interface FileGrant extends Terms {
  readonly kind: 'file'
  readonly fileId: string
  /** Absent for a file of the Files API. */
  readonly containerId?: string
  /** File name to show. @default the upstream's name */
  readonly filename?: string
  /** @default 'attachment' */
  readonly disposition?: 'attachment' | 'inline'
}

/** Grants the file at `/mnt/data/{path}` at the time of the request, among the files that the owner may see. */
interface PathGrant extends Terms {
  readonly kind: 'path'
  readonly containerId: string
  /**
   * The path as the model wrote it, without percent-decoding; or the whole link if it is spelled differently, as in
   * `sandbox:///mnt/data/…`.
   */
  readonly path: string
  /** @default 'attachment' */
  readonly disposition?: 'attachment' | 'inline'
}

/** Grants the page or the zip of a container, with the files that the owner may see. */
export interface ContainerGrant extends Terms {
  readonly kind: 'page' | 'zip'
  readonly containerId: string
}

/** Any grant: allows the holder of a link to GET one thing. */
export type Grant = FileGrant | PathGrant | ContainerGrant

/** Maximum length of a link's path in characters. RFC 9110 §4.1 asks all servers and proxies to accept 8,000. */
export const longestLink = 8000

/**
 * Checks and normalises a grant: cleans the file name, replaces lone surrogates.
 *
 * @param grant of the library's user, or decoded from a link that is not verified yet
 * @throws CfileError `invalid_id`, `invalid_request` for a grant that cannot be signed
 */
export function checkGrant(grant: Grant): Grant {
  const { expiresAt, owner } = grant
  if (!Number.isSafeInteger(expiresAt) || expiresAt < 0) {
    throw notGranted('expires_at', 'its expiry is not a unix second')
  }
  if (owner !== undefined && !/^[\w-]{1,64}$/.test(owner)) {
    throw notGranted('owner', "the owner's key is not 1 to 64 of A-Z a-z 0-9 _ -")
  }
  const upstream = grant.upstream?.toWellFormed()
  if (grant.kind === 'file') return { ...grant, upstream, ...checkFile(grant) }
  parseContainerId(grant.containerId)
  return grant.kind === 'path'
    ? { ...grant, upstream, path: checkPath(grant.path) }
    : { ...grant, upstream }
}

/**
 * Checks the ids of a file grant, and cleans its name.
 *
 * @throws CfileError `invalid_id`
 */
function checkFile({ fileId, containerId, filename }: FileGrant): { readonly filename?: string } {
  const { kind } = parseFileId(fileId)
  if (kind === 'container_file' || containerId !== undefined) parseContainerId(containerId ?? '')
  // Without a name the upstream's name is shown.
  const isShort = filename !== undefined && filename.length <= longestLink
  return { filename: (isShort && cleanFilename(filename)) || undefined }
}

/**
 * Checks the path of a grant. Lone surrogates become U+FFFD.
 *
 * @throws CfileError `invalid_request`
 */
function checkPath(path: string): string {
  if (path !== '' && path.length <= longestLink) return path.toWellFormed()
  throw notGranted('path', `its path is empty or longer than ${longestLink} characters`)
}

function notGranted(param: string, fault: string): CfileError {
  return new CfileError('invalid_request', `The link can't be made: ${fault}.`, { param })
}

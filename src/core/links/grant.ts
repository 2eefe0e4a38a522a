/**
 * A signed link grants one thing, to whoever holds it, until a time.
 *
 * @module
 */

import { CfileError } from '../errors.ts'
import { cleanFilename } from '../http/content-disposition.ts'
import { parseContainerId, parseFileId } from '../ids.ts'

interface Terms {
  /** The unix second at which the link expires. */
  readonly expiresAt: number
  /** The name of the upstream that holds the thing. @default any upstream that has it */
  readonly upstream?: string
  /** The owner's key, 1 to 64 of `A-Z a-z 0-9 _ -`. @default the one owner of a gateway without caller auth */
  readonly owner?: string
}

/** The bytes of one file. The grant holds all that is needed to serve it, so no store is asked. */
export interface FileGrant extends Terms {
  readonly kind: 'file'
  readonly fileId: string
  /** Absent for a file of the Files API. */
  readonly containerId?: string
  /** The name to show. @default the upstream's own */
  readonly filename?: string
  /** @default 'attachment' */
  readonly disposition?: 'attachment' | 'inline'
}

/** The file that is at `/mnt/data/{path}` when the link is followed, among those that the owner may see. */
export interface PathGrant extends Terms {
  readonly kind: 'path'
  readonly containerId: string
  /** As the model wrote it, no percent-encoding undone; or the whole link that it wrote, `sandbox:///mnt/data/…`. */
  readonly path: string
  /** @default 'attachment' */
  readonly disposition?: 'attachment' | 'inline'
}

/** The page or the zip of a container, with the files that the owner may see. */
export interface ContainerGrant extends Terms {
  readonly kind: 'page' | 'zip'
  readonly containerId: string
}

/** One thing that whoever holds the link may GET. */
export type Grant = FileGrant | PathGrant | ContainerGrant

/** The most characters of a link's path: RFC 9110 §4.1 asks every server and proxy to take 8,000. */
export const longestLink = 8000

/**
 * Brings a grant into the form that a link carries: the file's name cleaned, no lone surrogates.
 *
 * @throws CfileError `invalid_id`, `invalid_request` for what can't be granted
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

function checkFile({ fileId, containerId, filename }: FileGrant): { readonly filename?: string } {
  const { kind } = parseFileId(fileId)
  if (kind === 'container_file' || containerId !== undefined) parseContainerId(containerId ?? '')
  // A name that does not fit is the upstream's to tell.
  const isShort = filename !== undefined && filename.length <= longestLink
  return { filename: (isShort && cleanFilename(filename)) || undefined }
}

function checkPath(path: string): string {
  if (path !== '' && path.length <= longestLink) return path.toWellFormed()
  throw notGranted('path', `its path is empty or longer than ${longestLink} characters`)
}

function notGranted(param: string, fault: string): CfileError {
  return new CfileError('invalid_request', `The link can't be made: ${fault}.`, { param })
}

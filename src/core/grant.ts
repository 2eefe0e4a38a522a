/**
 * What a signed link grants: one thing, to whoever holds it, until a time.
 *
 * @module
 */

import { cleanFilename } from './content-disposition.ts'
import { CfileError } from './errors.ts'
import { parseContainerId, parseFileId } from './ids.ts'

interface Terms {
  /** The unix second in which it ends. */
  readonly expiresAt: number
  /** The name of the upstream that holds the container. */
  readonly upstream?: string
}

/** The bytes of one file: all that is needed to serve it, so that no store is asked. */
export interface FileGrant extends Terms {
  readonly kind: 'file'
  readonly fileId: string
  /** Absent for a file of the Files API. */
  readonly containerId?: string
  /** The name to show. Absent: the upstream's own. */
  readonly filename?: string
  /** @default 'attachment' */
  readonly disposition?: 'attachment' | 'inline'
  /** The owner's key. */
  readonly owner?: string
}

/** The file that is at `/mnt/data/{path}` when the link is followed, among those that the owner may see. */
export interface PathGrant extends Terms {
  readonly kind: 'path'
  readonly containerId: string
  /** As the model wrote it, no percent-encoding undone. */
  readonly path: string
  /** @default 'attachment' */
  readonly disposition?: 'attachment' | 'inline'
  /** The owner's key: 1 to 64 of `A-Z a-z 0-9 _ -`. */
  readonly owner: string
}

/** The page, the zip or the list of a container, each with what the owner may see. */
export interface ContainerGrant extends Terms {
  readonly kind: 'page' | 'zip' | 'list'
  readonly containerId: string
  /** The owner's key: 1 to 64 of `A-Z a-z 0-9 _ -`. */
  readonly owner: string
}

/** One thing that whoever holds the link may GET. */
export type Grant = FileGrant | PathGrant | ContainerGrant

/** Any grant, seen as the union of its members. */
export interface GrantFields extends Terms {
  readonly kind: Grant['kind']
  readonly fileId?: string
  readonly containerId?: string
  readonly path?: string
  readonly filename?: string
  readonly disposition?: 'attachment' | 'inline'
  readonly owner?: string
}

/**
 * Brings a grant into the form that a link can carry: the file's name cleaned, no half surrogate pairs.
 *
 * @throws CfileError `invalid_id`, `invalid_request` for what can't be granted
 */
export function checkGrant(grant: Grant): Grant {
  const { kind, expiresAt } = grant
  if (!Number.isSafeInteger(expiresAt) || expiresAt < 0) {
    throw notGranted('expires_at', 'its end is not a unix second')
  }
  checkOwner(grant)
  const upstream = grant.upstream?.toWellFormed()
  if (kind === 'file') {
    checkFile(grant)
    return { ...grant, upstream, filename: cleanFilename(grant.filename ?? '') }
  }
  parseContainerId(grant.containerId)
  return kind === 'path'
    ? { ...grant, upstream, path: checkPath(grant.path) }
    : { ...grant, upstream }
}

/** Only a file is the same for every owner. */
function checkOwner({ kind, owner }: Grant): void {
  if (kind === 'file' && owner === undefined) return
  if (/^[\w-]{1,64}$/.test(owner ?? '')) return
  throw notGranted('owner', "the owner's key is not 1 to 64 of A-Z a-z 0-9 _ -")
}

function checkFile({ fileId, containerId }: FileGrant): void {
  const { kind } = parseFileId(fileId)
  if (kind === 'container_file' || containerId !== undefined) parseContainerId(containerId ?? '')
}

/** URL parsers resolve segments that are only dots (URL Standard §4.4), and no file has such a name. */
function checkPath(path: string): string {
  if (path !== '' && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(path)) return path.toWellFormed()
  throw notGranted('path', 'its path is empty or has a part that is only dots')
}

function notGranted(param: string, fault: string): CfileError {
  return new CfileError('invalid_request', `The link can't be made: ${fault}.`, { param })
}

/**
 * Finds the container and the upstream of a file.
 *
 * @module
 */

import { CfileError, isCfileError } from '../../core/errors.ts'
import type { FileKind } from '../../core/ids.ts'
import type { FileGrant } from '../../core/links/grant.ts'
import { anyone, type Caller, type Gateway } from '../gateway.ts'
import {
  callerOfKey,
  findHeld,
  holderOfUnrecorded,
  notThere,
  standingOf,
  viewContainer,
} from '../owners/access.ts'
import { isStoreDown } from '../owners/guarded-store.ts'
import type { FileRecord } from '../owners/records.ts'
import { type FileLocation, upstreamsNamed } from '../upstreams/location.ts'

/** The file that a request names. */
export interface NamedFile {
  readonly id: string
  readonly kind: FileKind
  readonly containerId?: string
}

/**
 * Finds a file by its record, else by the container that the request names. Does not ask an upstream.
 *
 * @throws CfileError `container_unknown`; with caller auth, `file_not_found` for a file of another owner
 */
export async function locateFile(
  gateway: Gateway,
  caller: Caller,
  file: NamedFile,
): Promise<FileLocation> {
  try {
    return await lookUp(gateway, caller, file)
  } catch (error) {
    const { id: fileId, kind, containerId } = file
    const isNamed = kind === 'file' || containerId !== undefined
    // Without caller auth the ids are enough, so the file is served even while the store is down.
    if (gateway.owners.knowsCallers || !isNamed || !isStoreDown(error)) throw error
    return { fileId, containerId, upstreams: gateway.upstreams, isRecorded: false }
  }
}

async function lookUp(
  gateway: Gateway,
  caller: Caller,
  { id, kind, containerId }: NamedFile,
): Promise<FileLocation> {
  const held = await findHeld(gateway, caller, 'file', id)
  const isOfContainer = kind === 'container_file'
  if (held !== undefined && (!isOfContainer || isIn(held.record, containerId))) {
    const { container_id, filename, upstream } = held.record
    const upstreams = upstreamsNamed(gateway, upstream)
    return { fileId: id, containerId: container_id, upstreams, filename, ...held, isRecorded: true }
  }
  if (!isOfContainer) {
    const holder = await holderOfUnrecorded(gateway, caller, 'file', id)
    return { fileId: id, upstreams: gateway.upstreams, holder, isRecorded: false }
  }
  if (containerId === undefined)
    throw gateway.owners.knowsCallers ? notThere('file') : containerUnknown(id)
  const { holder, record } = await viewUnshared(gateway, caller, containerId)
  // A file that is recorded only for other owners is not served to the caller.
  const mayBeOthers = held === undefined && gateway.owners.knowsCallers && !caller.admin
  if (mayBeOthers && (await standingOf(gateway, caller, 'file', id)) === 'others')
    throw notThere('file')
  return {
    fileId: id,
    containerId,
    upstreams: upstreamsNamed(gateway, record?.upstream),
    holder,
    isRecorded: record !== undefined,
  }
}

function isIn({ container_id }: FileRecord, containerId = container_id): boolean {
  return containerId === container_id
}

/** Checks that only the caller has a container. Only then do its uncited files belong to the caller. */
async function viewUnshared(gateway: Gateway, caller: Caller, containerId: string) {
  const view = await viewContainer(gateway, caller, containerId).catch((error) => {
    throw isCfileError(error) && error.status === 404 ? notThere('file') : error
  })
  if (view.isShared) throw notThere('file')
  return view
}

/** Returns the file of a signed link. The link contains everything, so the store is not read. */
export function locateGranted(gateway: Gateway, grant: FileGrant): FileLocation {
  const { fileId, containerId, upstream, filename, owner = anyone.key } = grant
  return {
    holder: callerOfKey(owner),
    fileId,
    containerId,
    upstreams: upstreamsNamed(gateway, upstream),
    filename: filename === '' ? undefined : filename,
    isRecorded: true,
  }
}

function containerUnknown(id: string): CfileError {
  return new CfileError(
    'container_unknown',
    `Nothing is known of ${id}, so its container must be named.`,
    {
      param: 'container_id',
      hint: 'Add ?container_id=cntr_…; the citation that names the file names its container too. Answers that pass through /openai/v1/responses or POST /captures are remembered.',
    },
  )
}

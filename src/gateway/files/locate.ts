/**
 * Locate: a file id → the container and the upstream that hold it.
 *
 * @module
 */

import { CfileError, isCfileError } from '../../core/errors.ts'
import type { FileKind } from '../../core/ids.ts'
import type { FileGrant } from '../../core/links/grant.ts'
import { anyone, type Caller, type Gateway, type Upstream } from '../gateway.ts'
import { findHeld, holderOfUnrecorded, notThere, viewContainer } from '../owners/access.ts'
import { granteeOf } from '../owners/caller.ts'
import { isStoreDown } from '../owners/guarded-store.ts'
import type { FileRecord } from '../owners/records.ts'

/** What a request names. */
export interface FileQuery {
  readonly id: string
  readonly kind: FileKind
  readonly containerId?: string
}

/** Where a file is, or may be. */
export interface FileLocation {
  readonly fileId: string
  /** Absent for a file of the Files API. */
  readonly containerId?: string
  /** One where it is known, else all that may have it, in the order in which to ask. */
  readonly upstreams: readonly Upstream[]
  /** The name to show, where a link or a record says it. */
  readonly filename?: string
  /** What is known of the file; absent where nobody saw it yet, and where nobody asked. */
  readonly record?: FileRecord
  /**
   * Whose record and copy these are, and for whom new ones are written. Absent where an admin asks for what nobody owns:
   * looking at a thing must not make it the admin's.
   */
  readonly holder?: Caller
  /** Whether the file or its container was recorded for the caller. */
  readonly recorded: boolean
}

/**
 * Finds a file by its record, else by the container that the request names. Asks nothing upstream.
 *
 * @throws CfileError `container_unknown`; where callers are told apart, `file_not_found` for what is not the caller's
 */
export async function locateFile(
  gateway: Gateway,
  caller: Caller,
  query: FileQuery,
): Promise<FileLocation> {
  try {
    return await lookUp(gateway, caller, query)
  } catch (error) {
    const { id: fileId, kind, containerId } = query
    const isNamed = kind === 'file' || containerId !== undefined
    // Where all are one owner, the names say enough, also while nothing can be looked up.
    if (gateway.owners.knowsCallers || !isNamed || !isStoreDown(error)) throw error
    return { fileId, containerId, upstreams: gateway.upstreams, recorded: false }
  }
}

async function lookUp(
  gateway: Gateway,
  caller: Caller,
  { id, kind, containerId }: FileQuery,
): Promise<FileLocation> {
  const held = await findHeld(gateway, caller, 'file', id)
  const isOfContainer = kind === 'container_file'
  if (held !== undefined && (!isOfContainer || isIn(held.record, containerId))) {
    const { container_id, filename, upstream } = held.record
    const upstreams = upstreamsNamed(gateway, upstream)
    return { fileId: id, containerId: container_id, upstreams, filename, ...held, recorded: true }
  }
  if (!isOfContainer) {
    const holder = await holderOfUnrecorded(gateway, caller, 'file', id)
    return { fileId: id, upstreams: gateway.upstreams, holder, recorded: false }
  }
  if (containerId === undefined)
    throw gateway.owners.knowsCallers ? notThere('file') : containerUnknown(id)
  const { holder, record } = await viewWhole(gateway, caller, containerId)
  return {
    fileId: id,
    containerId,
    upstreams: upstreamsNamed(gateway, record?.upstream),
    holder,
    recorded: record !== undefined,
  }
}

function isIn({ container_id }: FileRecord, containerId = container_id): boolean {
  return containerId === container_id
}

/** Of a container that is the caller's alone every file is the caller's, cited or not; of a shared one only what is recorded. */
async function viewWhole(gateway: Gateway, caller: Caller, containerId: string) {
  const view = await viewContainer(gateway, caller, containerId).catch((error) => {
    throw isCfileError(error) && error.status === 404 ? notThere('file') : error
  })
  if (view.isShared) throw notThere('file')
  return view
}

/** Where a signed link leads: it says all that is needed, so that no store is asked. */
export function locateGranted(gateway: Gateway, grant: FileGrant): FileLocation {
  const { fileId, containerId, upstream, filename, owner = anyone.key } = grant
  return {
    holder: granteeOf(owner),
    fileId,
    containerId,
    upstreams: upstreamsNamed(gateway, upstream),
    filename: filename === '' ? undefined : filename,
    recorded: true,
  }
}

/** The upstream of that name; all of them where nothing is known, or where the one that was known is configured no more. */
export function upstreamsNamed(gateway: Gateway, name: string | undefined): readonly Upstream[] {
  const named = gateway.upstreams.filter((upstream) => upstream.name === name)
  return named.length > 0 ? named : gateway.upstreams
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

/**
 * Locate: a file id → the container and the upstream that hold it.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import type { FileGrant } from '../core/grant.ts'
import type { FileKind } from '../core/ids.ts'
import type { Caller, Gateway, Upstream } from './gateway.ts'
import { type FileRecord, findRecord } from './records.ts'

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
  /** Whether the file or its container was recorded for the caller. */
  readonly recorded: boolean
}

/**
 * Finds a file by its record, else by the container that the request names.
 *
 * @throws CfileError `container_unknown`
 */
export async function locateFile(
  gateway: Gateway,
  caller: Caller,
  { id, kind, containerId }: FileQuery,
): Promise<FileLocation> {
  const record = await findRecord(gateway, caller, 'file', id)
  if (record !== undefined && (containerId ?? record.container_id) === record.container_id) {
    const upstreams = upstreamsNamed(gateway, record.upstream)
    const { container_id, filename } = record
    return { fileId: id, containerId: container_id, upstreams, filename, record, recorded: true }
  }
  if (kind === 'file') return { fileId: id, upstreams: gateway.upstreams, recorded: false }
  if (containerId === undefined) throw containerUnknown(id)
  const container = await findRecord(gateway, caller, 'container', containerId)
  return {
    fileId: id,
    containerId,
    upstreams: upstreamsNamed(gateway, container?.upstream),
    recorded: container !== undefined,
  }
}

/** Where a signed link leads: it says all that is needed, so that no store is asked. */
export function locateGranted(gateway: Gateway, grant: FileGrant): FileLocation {
  const { fileId, containerId, upstream, filename } = grant
  return {
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

/**
 * Naming: a request may name only what is the caller's own. What is not is not there, whoever else has it.
 *
 * @module
 */

import { type NamedKind, type Names, namedKinds } from '../core/api-names.ts'
import { isSharedByAll, mayName, notThere, standingOf } from './authorize.ts'
import { granteeOf } from './caller.ts'
import type { Caller, Gateway } from './gateway.ts'
import { findRecord, listOwners } from './records.ts'

/** What a request names, and where. */
export interface NamedBy {
  readonly path: Names
  readonly query: Names
  readonly body: Names
}

/**
 * Lets pass what names only the caller's own.
 *
 * @throws CfileError `file_not_found`, `container_not_found`, `not_found`
 */
export async function requireOwn(
  gateway: Gateway,
  caller: Caller,
  { path, query, body }: NamedBy,
): Promise<void> {
  if (!gateway.knowsCallers || caller.admin) return
  const isFileInContainer = path.container.length > 0 && path.file.length > 0
  if (isFileInContainer) await requireFile(gateway, caller, path)
  for (const names of isFileInContainer ? [query, body] : [path, query, body]) {
    for (const kind of namedKinds) {
      const allowed = await Promise.all(
        names[kind].map((id) => isAllowed(gateway, caller, kind, id, names === body)),
      )
      if (allowed.includes(false))
        throw notThere(names === path && path.file.length > 0 ? 'file' : kind)
    }
  }
}

/** Whether several owners have the container, each of whom then has only the files that were cited to them. */
export async function isShared(gateway: Gateway, containerId: string): Promise<boolean> {
  if (!gateway.knowsCallers) return false
  const [owner, other] = await listOwners(gateway, 'container', containerId, 2)
  if (other !== undefined) return true
  return (
    owner !== undefined &&
    isSharedByAll(gateway, await findRecord(gateway, granteeOf(owner), 'container', containerId))
  )
}

/** A file of a container: the caller's own, or in a container that is the caller's alone. */
async function requireFile(
  gateway: Gateway,
  caller: Caller,
  { container: [containerId = ''], file: files }: Names,
): Promise<void> {
  for (const fileId of files) {
    const record = await findRecord(gateway, caller, 'file', fileId)
    if (record?.container_id === containerId) continue
    const mayEnter = await mayName(gateway, caller, 'container', containerId)
    if (!mayEnter || (await isShared(gateway, containerId))) throw notThere('file')
  }
}

async function isAllowed(
  gateway: Gateway,
  caller: Caller,
  kind: NamedKind,
  id: string,
  isInBody: boolean,
): Promise<boolean> {
  // A vector store that nobody made through here is the operator's, to be used by all.
  if (kind === 'thing' && isInBody) {
    return (await standingOf(gateway, caller, kind, id)) !== 'others'
  }
  return mayName(gateway, caller, kind, id)
}

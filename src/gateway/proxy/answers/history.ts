/**
 * Adds links to history: the input items of a response, or the items of a conversation. Callers write these items
 * themselves, so nothing is recorded from them. Only files that are already recorded for the caller get links.
 *
 * @module
 */

import type { LinkMaker } from '../../../core/rewrite/link-maker.ts'
import { linkItems } from '../../../core/rewrite/linker.ts'
import type { Origin } from '../../capture/capture.ts'
import { recordedContainer } from '../../capture/capture.ts'
import type { Gateway } from '../../gateway.ts'
import { findRecord } from '../../owners/records.ts'
import type { NamedBy } from '../names.ts'
import { linkBytes } from './responses.ts'
import { linksOfResponse } from './resume.ts'

/** A request for history. */
export interface HistoryRequest {
  readonly named: NamedBy
  /** With its `?`, or empty. */
  readonly query: string
}

/**
 * Adds links to the files in a list of items that are recorded for the caller.
 *
 * @param body the JSON of the list
 * @returns the changed JSON; the same array when nothing changed
 */
export async function linkHistory(
  gateway: Gateway,
  origin: Origin,
  { named: { path }, query }: HistoryRequest,
  body: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { mode } = gateway.links
  if (mode === 'off') return body
  const turn = { responseId: path.response[0], conversationId: path.conversation[0] }
  const options = {
    mode,
    links: recordedLinks(gateway, origin),
    recordedContainer: () => recordedContainer(gateway, origin, turn).catch(() => undefined),
    // The API's default order is `desc`.
    isNewestFirst: new URLSearchParams(query).get('order') !== 'asc',
  }
  return linkBytes(body, (json) => linkItems(json, options))
}

/** Makes links only to files and containers that are recorded for the caller, since an item may cite any id. */
function recordedLinks(gateway: Gateway, origin: Origin): LinkMaker {
  const { caller } = origin
  const links = linksOfResponse(gateway, origin, () => undefined)
  return {
    async file(citation) {
      const record = await findRecord(gateway, caller, 'file', citation.file_id)
      if (record === undefined || record.container_id !== citation.container_id) throw unrecorded()
      return links.file(citation)
    },
    async path(containerId, path) {
      const record = await findRecord(gateway, caller, 'container', containerId)
      if (record === undefined) throw unrecorded()
      return links.path(containerId, path)
    },
  }
}

function unrecorded(): Error {
  return new Error('The thing is not recorded for the caller.')
}

/**
 * Preview: the files of a container as its page shows them, pictures with a link that shows them in place.
 *
 * @module
 */

import { contentTypeOf } from '../../core/http/content-type.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { createLinker } from '../links.ts'
import { describeListing, type PresentedFile } from './describe.ts'
import type { ContainerListing, ListQuery } from './listing.ts'

/** A file, and a link that shows it in place; that is absent for what is no picture a browser shows. */
export interface PreviewedFile extends PresentedFile {
  readonly preview_url?: string
}

/** Describes what code wrote; an automatic copy of a picture that was saved too is left out. */
export async function previewListing(
  gateway: Gateway,
  caller: Caller,
  query: ListQuery,
  listing: ContainerListing,
): Promise<PreviewedFile[]> {
  const files = await describeListing(gateway, caller, query, listing)
  const inline = { disposition: 'inline', until: query.until } as const
  const owner = listing.holder ?? caller
  const linker = createLinker(gateway, owner, listing.upstream.name, inline)
  return Promise.all(
    files
      .filter(({ source, duplicate_of }) => source === 'assistant' && duplicate_of === undefined)
      .map(async (file) => {
        if (!/^image\/(?:png|jpeg|gif|webp|avif)$/.test(contentTypeOf(file.filename))) return file
        return { ...file, preview_url: (await linker.file(file)).download_url }
      }),
  )
}

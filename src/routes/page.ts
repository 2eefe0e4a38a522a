/**
 * `GET /containers/{container_id}`: the page of a container.
 *
 * @module
 */

import { type ListQuery, lifeOfListing, listFiles } from '../gateway/containers/listing.ts'
import { previewListing } from '../gateway/containers/preview.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { createLinker } from '../gateway/links.ts'
import { containerPage } from '../page/container-page.ts'
import { pageHeaders } from '../page/frame.ts'
import { type RouteContext, readMethod } from './request.ts'

/** Answers with the page. Every link on it is signed, since a browser can't send a key. */
export async function answerPage(
  gateway: Gateway,
  c: RouteContext,
  query: ListQuery,
): Promise<Response> {
  const caller = c.get('caller')
  const { containerId, until } = query
  const listing = await listFiles(gateway, caller, query)
  const method = readMethod(c)
  const files = await previewListing(gateway, caller, { ...query, method }, listing)
  const linker = createLinker(gateway, listing.holder ?? caller, listing.upstream.name, { until })
  const zip = await linker.container('zip', containerId)
  const nonce = c.get('requestId')
  const life = await lifeOfListing(gateway, query, listing)
  const now = gateway.runtime.now()
  const page = containerPage({
    containerId,
    files,
    zipUrl: zip.download_url,
    now,
    life,
    isGone: listing.gone !== undefined,
    linksEndAt: zip.expires_at,
    copyTtl: gateway.archiving?.ttl,
    nonce,
  })
  const pictures = new URL(gateway.links.publicUrl).origin
  return c.html(page, 200, pageHeaders(nonce, { pictures, script: true }))
}

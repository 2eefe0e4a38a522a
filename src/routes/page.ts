/**
 * `GET /containers/{container_id}`: the page of a container.
 *
 * @module
 */

import { idCreatedAt } from '../core/ids.ts'
import { type ListQuery, listFiles } from '../gateway/containers/listing.ts'
import { previewListing } from '../gateway/containers/preview.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { createLinker } from '../gateway/links.ts'
import { longestLife } from '../gateway/upstreams/expired.ts'
import { containerPage } from '../page/container-page.ts'
import type { RouteContext } from './request.ts'

/** Answers with the page. Every link on it is signed, since a browser can't send a key. */
export async function answerPage(
  gateway: Gateway,
  c: RouteContext,
  query: ListQuery,
): Promise<Response> {
  const caller = c.get('caller')
  const { containerId, until } = query
  const listing = await listFiles(gateway, caller, query)
  const files = await previewListing(gateway, caller, query, listing)
  const linker = createLinker(gateway, listing.holder ?? caller, listing.upstream.name, { until })
  const { download_url: zipUrl } = await linker.container('zip', containerId)
  const nonce = c.get('requestId')
  const page = containerPage({
    containerId,
    files,
    zipUrl,
    secondsLeft: secondsLeft(gateway, containerId),
    nonce,
  })
  return c.html(page, 200, {
    'cache-control': 'private, no-store',
    'content-security-policy': `default-src 'none'; img-src ${new URL(gateway.links.publicUrl).origin}; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  })
}

/** Until the container is gone at the latest; its id tells when it was made. */
function secondsLeft(gateway: Gateway, containerId: string): number | undefined {
  const made = idCreatedAt(containerId)
  return made === undefined ? undefined : Math.max(0, made + longestLife - gateway.runtime.now())
}

/**
 * `POST /links` creates a signed link to something that the caller may read. `/s/{token}/{name}` serves a signed link.
 *
 * A link gives access to one file, one path of a container, its page or its zip, with the rights of the link's owner and
 * without a key. A link to a file works without the store.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import type { Grant } from '../core/links/grant.ts'
import { invalidLink } from '../core/links/signer.ts'
import type { MadeLink } from '../core/rewrite/link-maker.ts'
import { claimContainer } from '../gateway/capture/claim.ts'
import type { ListQuery } from '../gateway/containers/listing.ts'
import { locatePath } from '../gateway/containers/path.ts'
import { deliverFile } from '../gateway/files/deliver.ts'
import { locateFile, locateGranted } from '../gateway/files/locate.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { createLinker } from '../gateway/links.ts'
import { rethrowMissing } from '../gateway/owners/access.ts'
import type { FileLocation } from '../gateway/upstreams/location.ts'
import { answerPage, answerZip } from './containers.ts'
import { deliveryRequest } from './files.ts'
import {
  checkBody,
  methodNotAllowed,
  parseObject,
  type RouteContext,
  type RouteEnv,
  readBody,
} from './request.ts'
import { containerLinkBody, fileLinkBody } from './schemas.ts'

type Fields = Readonly<Record<string, unknown>>

const expected = '{"file_id": "cfile_…"} or {"container_id": "cntr_…", "kind": "page" or "zip"}'

/** Creates the routes at `/links`. */
export function linkRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  routes.post('/', async (c) => {
    const fields = await parseObject(gateway, await readBody(gateway, c), expected)
    const link = 'kind' in fields ? linkToContainer : linkToFile
    const { download_url, expires_at } = await link(gateway, c, fields)
    return c.json({ download_url, expires_at })
  })
  routes.all('/', methodNotAllowed('POST'))
  return routes
}

/** Creates the routes below `/s`. `routes/callers/access` has verified the token. The name after it is ignored. */
export function grantRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  for (const path of ['/:token', '/:token/', '/:token/:name', '/:token/:name/']) {
    routes.get(path, (c) => answerGrant(gateway, c, c.get('grant')))
  }
  return routes
}

/** Serves the thing that a verified link grants. */
async function answerGrant(gateway: Gateway, c: RouteContext, grant?: Grant): Promise<Response> {
  switch (grant?.kind) {
    case 'file':
      return deliverFile(
        gateway,
        locateGranted(gateway, grant),
        deliveryRequest(c, grant.disposition, true),
      )
    case 'path': {
      const query = { ...grantedQuery(c, grant), path: grant.path }
      const location = await locatePath(gateway, c.get('caller'), query)
      return deliverFile(gateway, location, deliveryRequest(c, grant.disposition, true))
    }
    case 'page':
      return answerPage(gateway, c, grantedQuery(c, grant))
    case 'zip':
      return answerZip(gateway, c, grantedQuery(c, grant))
    default:
      throw invalidLink()
  }
}

/** The query for the files of a linked container. */
function grantedQuery(
  c: RouteContext,
  { containerId, upstream, expiresAt }: Grant & { readonly containerId: string },
): ListQuery {
  return { containerId, upstream, isGranted: true, until: expiresAt, signal: c.req.raw.signal }
}

/** Creates a link to a file. With caller auth, a file without a record must exist upstream. */
async function linkToFile(gateway: Gateway, c: RouteContext, fields: Fields): Promise<MadeLink> {
  const body = checkBody(fileLinkBody, fields, expected)
  const { id, kind } = body.file_id
  const { container_id: containerId, expires_in: ttl, disposition, filename: named } = body
  const terms = { ttl, disposition }
  const location = await locateFile(gateway, c.get('caller'), { id, kind, containerId })
  if (location.record === undefined) await claimFirst(gateway, c, location)
  const { upstreams, holder = c.get('caller'), filename } = location
  // Absent if several upstreams may have the file.
  const upstream = upstreams.length === 1 ? upstreams[0]?.name : undefined
  return createLinker(gateway, holder, upstream, terms).file({
    file_id: id,
    container_id: location.containerId,
    filename: named ?? filename,
  })
}

/** Checks with a HEAD that a file without a record exists upstream, and records it for the caller. */
async function claimFirst(
  gateway: Gateway,
  c: RouteContext,
  location: FileLocation,
): Promise<void> {
  if (!gateway.owners.knowsCallers || location.holder === undefined) return
  const { signal } = c.req.raw
  const terms = { disposition: 'attachment', isGranted: false, headers: new Headers() } as const
  await deliverFile(gateway, location, { method: 'HEAD', ...terms, signal }).catch((error) =>
    rethrowMissing(gateway, 'file', error),
  )
}

/** Creates a link to the page or the zip of a container. */
async function linkToContainer(
  gateway: Gateway,
  c: RouteContext,
  fields: Fields,
): Promise<MadeLink> {
  const { container_id: id, kind, expires_in: ttl } = checkBody(containerLinkBody, fields, expected)
  const terms = { ttl }
  const view = await claimContainer(gateway, c.get('caller'), id, c.req.raw.signal)
  const { holder = c.get('caller'), record } = view
  return createLinker(gateway, holder, record?.upstream, terms).container(kind, id)
}

/**
 * `/containers/{container_id}/…`: the files of a container as page, list, zip and single downloads, and the restore of an
 * expired container.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import { CfileError } from '../core/errors.ts'
import { parseContainerId, parseFileId } from '../core/ids.ts'
import { decodeOnce } from '../core/url.ts'
import { describeListing, previewListing } from '../gateway/containers/describe.ts'
import { expiryOfListing, type ListQuery, listFiles } from '../gateway/containers/listing.ts'
import { locatePath } from '../gateway/containers/path.ts'
import { restoreContainer } from '../gateway/containers/replacement.ts'
import { zipContainer } from '../gateway/containers/zip.ts'
import { deliverFile } from '../gateway/files/deliver.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { createLinker } from '../gateway/links.ts'
import type { Expiry } from '../gateway/upstreams/expiry.ts'
import { containerPage } from '../page/container-page.ts'
import { pageHeaders } from '../page/frame.ts'
import { answerFile, deliveryRequest } from './files.ts'
import {
  addPath,
  checkBody,
  parseObject,
  type RouteContext,
  type RouteEnv,
  readBody,
  readContainer,
  readMethod,
  readQuery,
} from './request.ts'
import { dispositionQuery, emptyBody, listQuery } from './schemas.ts'

/** Creates the routes below `/containers`. */
export function containerRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  addPath(routes, '/:container_id', { GET: (c) => answerPage(gateway, c, readContainer(c)) })
  addPath(routes, '/:container_id/restore', { POST: (c) => answerRestore(gateway, c) })
  addPath(routes, '/:container_id/files', { GET: (c) => answerList(gateway, c) })
  addPath(routes, '/:container_id/files/:file_id', { GET: (c) => answerContainerFile(gateway, c) })
  addPath(routes, '/:container_id/files.zip', {
    GET: (c) => answerZip(gateway, c, readContainer(c)),
  })
  addPath(routes, '/:container_id/path/*', { GET: (c) => answerPath(gateway, c) })
  return routes
}

/** Serves a file whose container the path names. */
async function answerContainerFile(gateway: Gateway, c: RouteContext): Promise<Response> {
  const { container_id = '', file_id = '' } = c.req.param()
  if (parseFileId(file_id).kind === 'file') throw notInContainer(file_id)
  const query = { ...readQuery(c, dispositionQuery), container_id: parseContainerId(container_id) }
  return answerFile(gateway, c, file_id, query)
}

/**
 * Answers with the zip of a container, for a caller or for the holder of a signed link.
 *
 * @param query the container, and whether a signed link grants it
 * @throws CfileError the errors of {@link zipContainer}
 */
export async function answerZip(
  gateway: Gateway,
  c: RouteContext,
  query: ListQuery,
): Promise<Response> {
  const request = { ...query, method: readMethod(c), exchange: c.get('exchange') }
  return zipContainer(gateway, c.get('caller'), request)
}

const nothing = 'no body, or {}'

/** Creates a new container with the caller's archived files of an expired one. */
async function answerRestore(gateway: Gateway, c: RouteContext): Promise<Response> {
  const caller = c.get('caller')
  const containerId = parseContainerId(c.req.param('container_id') ?? '')
  const body = await readBody(gateway, c)
  if (body.length > 0) checkBody(emptyBody, await parseObject(gateway, body, nothing), nothing)
  const restored = await restoreContainer(gateway, caller, containerId, c.req.raw.signal)
  const files = restored.files.map(({ id, path, bytes, created_at }) => ({
    file_id: id,
    path,
    bytes,
    created_at,
  }))
  return c.json({ container_id: restored.containerId, files })
}

/** Answers with the list of files, by default without inputs. */
async function answerList(gateway: Gateway, c: RouteContext): Promise<Response> {
  const caller = c.get('caller')
  const query = readContainer(c)
  const { all } = readQuery(c, listQuery)
  const listing = await listFiles(gateway, caller, query)
  const files = await describeListing(gateway, caller, query, listing)
  c.header('cache-control', 'private, no-store')
  const life = await expiryOfListing(gateway, query, listing)
  return c.json({
    files: all === '1' ? files : files.filter(({ source }) => source === 'assistant'),
    ...(life === undefined ? {} : presentExpiry(life, gateway.runtime.now())),
  })
}

// Seconds.
const soon = 300

/**
 * Describes the end of a container in the list, and whether it is less than five minutes away.
 *
 * @param now unix seconds
 */
function presentExpiry({ expiresAt }: Expiry, now: number): object {
  return { expires_at: expiresAt, expires_soon: expiresAt - now < soon }
}

/** Serves the file at a path of the container. */
async function answerPath(gateway: Gateway, c: RouteContext): Promise<Response> {
  const path = decodeOnce(rawPath(c))
  const { disposition } = readQuery(c, dispositionQuery)
  const location = await locatePath(gateway, c.get('caller'), { ...readContainer(c), path })
  return deliverFile(gateway, location, deliveryRequest(c, disposition))
}

/** Returns the part of the URL after `/path/` as it was sent, since a router may decode parts of it. */
function rawPath(c: RouteContext): string {
  return /^[^?#]*?\/containers\/[^/?#]+\/path\/([^?#]*)/.exec(c.req.url)?.[1] ?? ''
}

/** The error for an id of the Files API in the path of a container. */
function notInContainer(fileId: string): CfileError {
  return new CfileError(
    'invalid_id',
    `${fileId} is a file of the Files API and is in no container.`,
    {
      param: 'file_id',
      hint: `Ask for /files/${fileId}.`,
    },
  )
}

/**
 * Answers with the page of a container. Every link on it is signed, since a browser cannot send a key.
 *
 * @param query the container, and the expiry of the followed link, which is the latest expiry of links on the page
 * @throws CfileError the errors of {@link listFiles}
 */
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
  const life = await expiryOfListing(gateway, query, listing)
  const now = gateway.runtime.now()
  const page = containerPage({
    containerId,
    files,
    zipUrl: zip.download_url,
    now,
    life,
    isExpired: listing.expired !== undefined,
    linksEndAt: zip.expires_at,
    copyTtl: gateway.archiving?.ttl,
    nonce,
  })
  const pictures = new URL(gateway.links.publicUrl).origin
  return c.html(page, 200, pageHeaders(nonce, { pictures, script: true }))
}

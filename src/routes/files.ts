/**
 * `/files/{file_id}`: downloads or erases a file by its id alone.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import { CfileError } from '../core/errors.ts'
import { parseFileId } from '../core/ids.ts'
import { eraseFile } from '../gateway/archive/erase.ts'
import { eraseFileUpstream } from '../gateway/containers/erase-upstream.ts'
import { type DeliveryRequest, deliverFile } from '../gateway/files/deliver.ts'
import { locateFile } from '../gateway/files/locate.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { rethrowMissing } from '../gateway/owners/access.ts'
import type { FileLocation } from '../gateway/upstreams/location.ts'
import { answerErased, isUpstreamToo } from './owners.ts'
import {
  methodNotAllowed,
  type RouteContext,
  type RouteEnv,
  readMethod,
  readQuery,
} from './request.ts'
import { type FileQuery, fileQuery } from './schemas.ts'

/** Creates the routes below `/files`. */
export function fileRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  routes.get('/:file_id', (c) =>
    answerFile(gateway, c, c.req.param('file_id'), readQuery(c, fileQuery)),
  )
  routes.delete('/:file_id', async (c) => {
    const { id, kind } = parseFileId(c.req.param('file_id'))
    const { signal } = c.req.raw
    const body = { id, object: 'file.deleted' }
    if (!isUpstreamToo(c)) {
      await eraseFile(gateway, c.get('caller'), id, signal)
      return answerErased(c, body)
    }
    if (kind === 'file') throw notInContainer(id)
    const isErased = await eraseFileUpstream(gateway, c.get('caller'), id, signal)
    return answerErased(c, body, isErased ? [] : [id])
  })
  routes.all('/:file_id', methodNotAllowed('GET, HEAD, DELETE'))
  return routes
}

function notInContainer(id: string): CfileError {
  return new CfileError('invalid_request', `${id} is a file of the Files API, in no container.`, {
    param: 'upstream',
    hint: `DELETE /openai/v1/files/${id} erases it at Azure and here.`,
  })
}

/** Answers `GET` or `HEAD` with the file that the id and the query name. */
export async function answerFile(
  gateway: Gateway,
  c: RouteContext,
  fileId: string,
  { container_id: containerId, disposition }: FileQuery,
): Promise<Response> {
  const { id, kind } = parseFileId(fileId)
  const location = await locateFile(gateway, c.get('caller'), { id, kind, containerId })
  return deliverToCaller(gateway, c, location, disposition)
}

/** Answers a caller with a located file. A missing file has the same error as one of another owner. */
export function deliverToCaller(
  gateway: Gateway,
  c: RouteContext,
  location: FileLocation,
  disposition: FileQuery['disposition'],
): Promise<Response> {
  return deliverFile(gateway, location, deliveryRequest(c, disposition)).catch((error) =>
    rethrowMissing(gateway, 'file', error),
  )
}

/**
 * Describes the download that a request asks for: its method, conditions and range.
 *
 * @param isGranted whether the request follows a signed link
 */
export function deliveryRequest(
  c: RouteContext,
  disposition: DeliveryRequest['disposition'] = 'attachment',
  isGranted = false,
): DeliveryRequest {
  const { headers, signal } = c.req.raw
  const exchange = c.get('exchange')
  return { method: readMethod(c), headers, disposition, isGranted, signal, exchange }
}

/**
 * `/files/{file_id}`: downloads or erases a file by its id alone.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import { CfileError } from '../core/errors.ts'
import { parseContainerId, parseFileId } from '../core/ids.ts'
import { eraseFile } from '../gateway/archive/erase.ts'
import { eraseFileUpstream } from '../gateway/containers/erase-upstream.ts'
import { type DeliveryRequest, deliverFile } from '../gateway/files/deliver.ts'
import { locateFile } from '../gateway/files/locate.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { rethrowMissing } from '../gateway/owners/access.ts'
import { answerErased, isUpstreamToo } from './erase.ts'
import {
  methodNotAllowed,
  queryOnce,
  type RouteContext,
  type RouteEnv,
  readMethod,
} from './request.ts'

/** Creates the routes below `/files`. */
export function fileRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  routes.get('/:file_id', (c) =>
    answerFile(gateway, c, c.req.param('file_id'), queryOnce(c, 'container_id')),
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

/** Answers `GET` or `HEAD` with the file that the ids name. */
export async function answerFile(
  gateway: Gateway,
  c: RouteContext,
  fileId: string,
  container: string | undefined,
): Promise<Response> {
  const { id, kind } = parseFileId(fileId)
  const containerId = container === undefined ? undefined : parseContainerId(container)
  const location = await locateFile(gateway, c.get('caller'), { id, kind, containerId })
  return deliverFile(gateway, location, deliveryRequest(c)).catch((error) =>
    rethrowMissing(gateway, 'file', error),
  )
}

/**
 * Parses the request of a caller for a download.
 *
 * @throws CfileError `invalid_request` for a `disposition` other than `attachment` and `inline`
 */
export function deliveryRequest(c: RouteContext): DeliveryRequest {
  const { headers, signal } = c.req.raw
  const disposition = parseDisposition(queryOnce(c, 'disposition'))
  const exchange = c.get('exchange')
  return { method: readMethod(c), headers, disposition, isGranted: false, signal, exchange }
}

function parseDisposition(text = 'attachment'): 'attachment' | 'inline' {
  if (text === 'attachment' || text === 'inline') return text
  throw new CfileError('invalid_request', 'The parameter disposition takes attachment or inline.', {
    param: 'disposition',
  })
}

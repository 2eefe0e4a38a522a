/**
 * `/openai/v1/files/{cfile_id}`: serves container files through the Files API, which the upstream itself does not do.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import { parseContainerId } from '../core/ids.ts'
import { deliverFile } from '../gateway/files/deliver.ts'
import { deleteFile, describeFile, locateForFilesApi } from '../gateway/files/file-object.ts'
import type { FileQuery } from '../gateway/files/locate.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { rethrowMissing } from '../gateway/owners/access.ts'
import { deliveryRequest } from './files.ts'
import { methodNotAllowed, queryOnce, type RouteContext, type RouteEnv } from './request.ts'

// All other ids below /files belong to the upstream's Files API and are forwarded.
const one = '/:file_id{cfile[_-][A-Za-z0-9_-]+}'

/** Creates the routes for container files below `/files` of the OpenAI API. */
export function filesApiRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  routes.get(one, async (c) =>
    c.json(await describeFile(gateway, c.get('caller'), fileQuery(c), c.req.raw.signal)),
  )
  routes.delete(one, async (c) => {
    const query = fileQuery(c)
    await deleteFile(gateway, c.get('caller'), query, c.req.raw.signal)
    return c.json({ id: query.id, object: 'file', deleted: true })
  })
  routes.all(one, methodNotAllowed('GET, HEAD, DELETE'))
  routes.get(`${one}/content`, async (c) => {
    const location = await locateForFilesApi(gateway, c.get('caller'), fileQuery(c))
    return deliverFile(gateway, location, deliveryRequest(c)).catch((error) =>
      rethrowMissing(gateway, 'file', error),
    )
  })
  routes.all(`${one}/content`, methodNotAllowed('GET, HEAD'))
  return routes
}

function fileQuery(c: RouteContext): FileQuery {
  const container = queryOnce(c, 'container_id')
  return {
    id: c.req.param('file_id') ?? '',
    kind: 'container_file',
    containerId: container === undefined ? undefined : parseContainerId(container),
  }
}

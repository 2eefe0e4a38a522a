/**
 * `/openai/v1/files/{cfile_id}`: serves container files through the Files API, which the upstream itself does not do.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import { deliverFile } from '../gateway/files/deliver.ts'
import { deleteFile, describeFile, locateForFilesApi } from '../gateway/files/file-object.ts'
import type { FileQuery } from '../gateway/files/locate.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { rethrowMissing } from '../gateway/owners/access.ts'
import { deliveryRequest } from './files.ts'
import { methodNotAllowed, type RouteContext, type RouteEnv, readQuery } from './request.ts'
import { fileQuery, type FileQuery as Query } from './schemas.ts'

// All other ids below /files belong to the upstream's Files API and are forwarded.
const one = '/:file_id{cfile[_-][A-Za-z0-9_-]+}'

/** Creates the routes for container files below `/files` of the OpenAI API. */
export function filesApiRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  routes.get(one, async (c) =>
    c.json(await describeFile(gateway, c.get('caller'), askedFile(c).file, c.req.raw.signal)),
  )
  routes.delete(one, async (c) => {
    const { file } = askedFile(c)
    await deleteFile(gateway, c.get('caller'), file, c.req.raw.signal)
    return c.json({ id: file.id, object: 'file', deleted: true })
  })
  routes.all(one, methodNotAllowed('GET, HEAD, DELETE'))
  routes.get(`${one}/content`, async (c) => {
    const { file, disposition } = askedFile(c)
    const location = await locateForFilesApi(gateway, c.get('caller'), file)
    return deliverFile(gateway, location, deliveryRequest(c, disposition)).catch((error) =>
      rethrowMissing(gateway, 'file', error),
    )
  })
  routes.all(`${one}/content`, methodNotAllowed('GET, HEAD'))
  return routes
}

/** The file that a request asks for, and how. */
function askedFile(c: RouteContext): Pick<Query, 'disposition'> & { readonly file: FileQuery } {
  const { container_id: containerId, disposition } = readQuery(c, fileQuery)
  const id = c.req.param('file_id') ?? ''
  return { file: { id, kind: 'container_file', containerId }, disposition }
}

/**
 * `/containers/{container_id}/…`: what a container holds.
 *
 * @module
 */

import { Hono } from 'hono'
import { CfileError } from '../core/errors.ts'
import { parseFileId } from '../core/ids.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { methodNotAllowed, type RouteEnv } from './context.ts'
import { answerFile } from './files.ts'

/** The routes below `/containers`. */
export function containerRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  routes.get('/:container_id/files/:file_id', (c) => {
    const { container_id, file_id } = c.req.param()
    if (parseFileId(file_id).kind === 'file') throw notOfContainers(file_id)
    return answerFile(gateway, c, file_id, container_id)
  })
  routes.all('/:container_id/files/:file_id', methodNotAllowed('GET, HEAD'))
  return routes
}

function notOfContainers(fileId: string): CfileError {
  return new CfileError(
    'invalid_id',
    `${fileId} is a file of the Files API and is in no container.`,
    {
      param: 'file_id',
      hint: `Ask for /files/${fileId}.`,
    },
  )
}

/**
 * `/containers/{container_id}/files.zip`: all files of a container at once.
 *
 * @module
 */

import { parseContainerId } from '../core/ids.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { zipContainer } from '../gateway/zip.ts'
import type { RouteContext } from './context.ts'

/** Answers with the zip of the container in the path. */
export async function answerZip(gateway: Gateway, c: RouteContext): Promise<Response> {
  const grant = c.get('grant')
  return zipContainer(gateway, c.get('caller'), {
    containerId: parseContainerId(c.req.param('container_id') ?? ''),
    upstream: grant?.upstream,
    isGranted: grant !== undefined,
    method: c.req.method === 'HEAD' ? 'HEAD' : 'GET',
    signal: c.req.raw.signal,
  })
}

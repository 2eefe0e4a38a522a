/**
 * `/files/{file_id}`: the bytes of a file, by its id alone.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import { CfileError } from '../core/errors.ts'
import { parseContainerId, parseFileId } from '../core/ids.ts'
import { rethrowMissing } from '../gateway/authorize.ts'
import { type DeliveryRequest, deliverFile } from '../gateway/deliver.ts'
import { eraseFile } from '../gateway/erase.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { locateFile, locateGranted } from '../gateway/locate.ts'
import { methodNotAllowed, queryOnce, type RouteContext, type RouteEnv } from './context.ts'

/** The routes below `/files`. */
export function fileRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  routes.get('/:file_id', (c) => answerFile(gateway, c, c.req.param('file_id'), namedContainer(c)))
  routes.delete('/:file_id', async (c) => {
    const { id } = parseFileId(c.req.param('file_id'))
    await eraseFile(gateway, c.get('caller'), id, c.req.raw.signal)
    return c.json({ id, object: 'file.deleted', deleted: true })
  })
  routes.all('/:file_id', methodNotAllowed('GET, HEAD, DELETE'))
  return routes
}

/** Answers `GET` or `HEAD` with the file that the ids, or a signed link, name. */
export async function answerFile(
  gateway: Gateway,
  c: RouteContext,
  fileId: string,
  container: string | undefined,
): Promise<Response> {
  const { id, kind } = parseFileId(fileId)
  const containerId = container === undefined ? undefined : parseContainerId(container)
  const caller = c.get('caller')
  const grant = c.get('grant')
  const isGranted = grant?.kind === 'file'
  const location = isGranted
    ? locateGranted(gateway, grant)
    : await locateFile(gateway, caller, { id, kind, containerId })
  const delivery = deliverFile(gateway, location, deliveryRequest(c, isGranted ? grant : undefined))
  return isGranted ? delivery : delivery.catch((error) => rethrowMissing(gateway, 'file', error))
}

/** A link has no parameters but its own. */
function namedContainer(c: RouteContext): string | undefined {
  return c.get('grant') === undefined ? queryOnce(c, 'container_id') : undefined
}

/**
 * How a request asks for a file; a link says itself whether it is to be shown.
 *
 * @param grant what a signed link grants, where one asks
 * @throws CfileError `invalid_request` for another `disposition`
 */
export function deliveryRequest(
  c: RouteContext,
  grant?: { readonly disposition?: 'attachment' | 'inline' },
): DeliveryRequest {
  const { raw, method } = c.req
  return {
    method: method === 'HEAD' ? 'HEAD' : 'GET',
    headers: raw.headers,
    disposition: grant
      ? (grant.disposition ?? 'attachment')
      : parseDisposition(queryOnce(c, 'disposition')),
    isGranted: grant !== undefined,
    signal: raw.signal,
  }
}

function parseDisposition(text = 'attachment'): 'attachment' | 'inline' {
  if (text === 'attachment' || text === 'inline') return text
  throw new CfileError('invalid_request', 'The parameter disposition takes attachment or inline.', {
    param: 'disposition',
  })
}

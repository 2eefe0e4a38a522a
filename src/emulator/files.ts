/**
 * The Files API: uploads, and files of the Assistants API. It has no container files.
 *
 * @module
 */

import { Hono } from 'hono'
import { readForm } from './body.ts'
import { fixed } from './content.ts'
import { entityNotFound, missingParameter } from './errors.ts'
import { fileResponse } from './file-response.ts'
import { json } from './json.ts'
import { listPage } from './page.ts'
import type { FileObject } from './shapes.ts'
import type { Emulation, EmulatorEnv, Upload, World } from './world.ts'

/** The routes below `/files`. */
export function fileRoutes({ now, ids }: Emulation): Hono<EmulatorEnv> {
  const routes = new Hono<EmulatorEnv>()
  routes.get('/', (c) => {
    const purpose = c.req.query('purpose')
    const rows = [...c.var.world.uploads.values()]
    const wanted = rows.filter((row) => row.purpose === (purpose ?? row.purpose))
    return listPage(c, wanted, fileObject, 10_000)
  })
  routes.post('/', async (c) => {
    const { file, purpose } = await readForm(c)
    if (!(file instanceof File)) throw missingParameter('file')
    if (typeof purpose !== 'string') throw missingParameter('purpose')
    const upload = {
      id: ids.upload(),
      created_at: now(),
      filename: file.name,
      purpose,
      content: fixed(new Uint8Array(await file.arrayBuffer())),
    }
    c.var.world.uploads.set(upload.id, upload)
    return json(fileObject(upload))
  })
  routes.get('/:file', (c) => json(fileObject(find(c.var.world, c.req.param('file')))))
  routes.delete('/:file', (c) => {
    const { id } = find(c.var.world, c.req.param('file'))
    c.var.world.uploads.delete(id)
    return json({ id, object: 'file', deleted: true })
  })
  routes.get('/:file/content', (c) => {
    const upload = find(c.var.world, c.req.param('file'))
    return fileResponse(c, { ...upload, name: upload.filename })
  })
  return routes
}

function find(world: World, id: string): Upload {
  const upload = world.uploads.get(id)
  if (upload === undefined) throw entityNotFound()
  return upload
}

/** The API's representation of a file. */
export function fileObject({ id, created_at, filename, purpose, content }: Upload): FileObject {
  return {
    object: 'file',
    id,
    purpose: purpose as FileObject['purpose'],
    filename,
    bytes: content.bytes,
    created_at,
    expires_at: null,
    status: 'processed',
    status_details: null,
  }
}

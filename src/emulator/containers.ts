/**
 * The nine operations of the containers API.
 *
 * @module
 */

import { type Context, Hono } from 'hono'
import { hasForm, readForm, readJson } from './body.ts'
import {
  addFile,
  containerFileObject,
  containerObject,
  createContainer,
  findContainer,
  isExpired,
  mountUpload,
  useContainer,
} from './container.ts'
import { fixed } from './content.ts'
import { fileNotFound, invalidRequest, missingParameter } from './errors.ts'
import { fileResponse } from './file-response.ts'
import { type Json, json } from './json.ts'
import { listPage } from './page.ts'
import type { MemoryLimit, NetworkPolicy } from './shapes.ts'
import type { Container, Emulation, EmulatorContext, EmulatorEnv, StoredFile } from './world.ts'

/** The routes below `/containers`. */
export function containerRoutes(emulation: Emulation): Hono<EmulatorEnv> {
  const { now } = emulation
  const routes = new Hono<EmulatorEnv>()
  routes.get('/', (c) => {
    const name = c.req.query('name')
    const rows = [...c.var.world.containers.values()].filter(
      (row) => row.name === (name ?? row.name),
    )
    // In a list every row claims to have been active just now, even an expired one.
    return listPage(c, rows, (row) => ({ ...containerObject(row, now()), last_active_at: now() }))
  })
  routes.post('/', async (c) => {
    const settings = readSettings(await readJson(c))
    return json(containerObject(createContainer(c.var.world, emulation, settings), now()))
  })
  routes.get('/:container', (c) => {
    const container = findContainer(c.var.world, c.req.param('container'))
    if (!isExpired(container, now())) container.last_active_at = now()
    return json(containerObject(container, now()))
  })
  routes.delete('/:container', (c) => {
    const { id } = findContainer(c.var.world, c.req.param('container'))
    c.var.world.containers.delete(id)
    return json({ id, object: 'container.deleted', deleted: true })
  })
  return routes.route('/:container/files', fileRoutes(emulation))
}

function fileRoutes(emulation: Emulation): Hono<EmulatorEnv> {
  const routes = new Hono<EmulatorEnv>()
  const used = (c: Context<EmulatorEnv>): Container =>
    useContainer(c.var.world, c.req.param('container') ?? '', emulation.now())
  routes.get('/', (c) => listPage(c, used(c).files.values(), containerFileObject))
  routes.post('/', async (c) => json(containerFileObject(await addTo(used(c), emulation, c))))
  routes.get('/:file', (c) => json(containerFileObject(findFile(used(c), c.req.param('file')))))
  routes.delete('/:file', (c) => {
    const container = used(c)
    const { id } = findFile(container, c.req.param('file'))
    container.files.delete(id)
    return json({ id, object: 'container.file.deleted', deleted: true })
  })
  routes.get('/:file/content', (c) => {
    const container = used(c)
    const file = findFile(container, c.req.param('file'))
    // A row of several paths has no content.
    if (file.path.includes('  /mnt/')) throw fileNotFound(container.id, file.id)
    return fileResponse(c, { ...file, name: file.path.slice(file.path.lastIndexOf('/') + 1) })
  })
  return routes
}

function readSettings(body: Json) {
  const { name, memory_limit, expires_after, file_ids, network_policy, ...others } = body
  const { skills: _, ...unknown } = others
  for (const key of Object.keys(unknown)) {
    throw invalidRequest(400, `Unknown parameter: '${key}'.`, key, 'unknown_parameter')
  }
  if (typeof name !== 'string') throw missingParameter('name')
  return {
    name,
    minutes: (expires_after as { minutes?: number } | undefined)?.minutes,
    memory_limit: memory_limit as MemoryLimit | undefined,
    network_policy: network_policy as NetworkPolicy | undefined,
    file_ids: file_ids as string[] | undefined,
  }
}

async function addTo(
  container: Container,
  emulation: Emulation,
  c: EmulatorContext,
): Promise<StoredFile> {
  const { file, file_id } = hasForm(c) ? await readForm(c) : await readJson(c)
  if (file instanceof File) {
    const content = fixed(new Uint8Array(await file.arrayBuffer()))
    const path = `/mnt/data/${emulation.ids.hex(32)}-${file.name}`
    return addFile(emulation, container, { path, source: 'user', content })
  }
  if (typeof file_id !== 'string') throw missingParameter('file')
  return mountUpload(c.var.world, emulation, container, file_id)
}

function findFile(container: Container, id: string): StoredFile {
  const file = container.files.get(id)
  if (file === undefined) throw fileNotFound(container.id, id)
  return file
}

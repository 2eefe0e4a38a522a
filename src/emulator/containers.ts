/**
 * Containers: their creation, use and expiry, and the nine operations of the containers API.
 *
 * @module
 */

import { type Context, Hono } from 'hono'
import { fixed } from './content.ts'
import { fileResponse } from './files.ts'
import {
  containerExpired,
  fileNotFound,
  hasForm,
  invalidRequest,
  type Json,
  json,
  listPage,
  missingParameter,
  notFound,
  readForm,
  readJson,
} from './json.ts'
import type { ContainerFileObject, ContainerObject, MemoryLimit, NetworkPolicy } from './shapes.ts'
import type {
  Container,
  Emulation,
  EmulatorContext,
  EmulatorEnv,
  StoredFile,
  World,
} from './world.ts'

const longestLifeSeconds = 3600

/**
 * Azure expires a container 20 idle minutes after its last use, and one hour after its creation.
 *
 * @param now unix seconds
 * @see https://platform.openai.com/docs/guides/tools-code-interpreter (a container expires after 20 idle minutes)
 */
export function isExpired(container: Container, now: number): boolean {
  const idle = now - container.last_active_at
  return idle >= container.minutes * 60 || now - container.created_at >= longestLifeSeconds
}

/**
 * Finds a container, expired or not.
 *
 * @throws Refusal 404
 */
function findContainer(world: World, id: string): Container {
  const container = world.containers.get(id)
  if (container === undefined) throw notFound('Container', id)
  return container
}

/**
 * Finds a container that has not expired, for access to its files. Counts as use.
 *
 * @param world in which the container must exist
 * @param id of a path or a body
 * @param now unix seconds, the new time of its last activity
 * @throws Refusal 404
 */
export function useContainer(world: World, id: string, now: number): Container {
  const container = findContainer(world, id)
  if (isExpired(container, now)) throw notFound('Container', id)
  container.last_active_at = now
  return container
}

/**
 * Finds a container to run code in. The error for an expired one differs.
 *
 * @param world in which the container must exist
 * @param id that a tool of the request names
 * @param now unix seconds
 * @throws Refusal
 */
export function enterContainer(world: World, id: string, now: number): Container {
  if (isExpired(findContainer(world, id), now)) throw containerExpired()
  return useContainer(world, id, now)
}

/** Settings for a new container. */
type ContainerSettings = Partial<
  Pick<Container, 'name' | 'minutes' | 'memory_limit' | 'network_policy'>
> & { readonly file_ids?: readonly string[] }

/**
 * Creates a container and mounts uploaded files.
 *
 * @param world that will hold the container
 * @param settings of the request; the service's defaults for what is absent
 * @param making clock and ids
 */
export function createContainer(
  world: World,
  { now, ids }: Emulation,
  settings: ContainerSettings,
): Container {
  const { name = 'auto', minutes = 20, memory_limit = '1g', file_ids = [] } = settings
  const container: Container = {
    id: ids.timed('cntr', 48, now()),
    name,
    created_at: now(),
    minutes,
    memory_limit,
    network_policy: settings.network_policy ?? { type: 'disabled' },
    last_active_at: now(),
    files: new Map(),
  }
  for (const id of file_ids) mountUpload(world, { now, ids }, container, id)
  world.containers.set(container.id, container)
  return container
}

type Making = Pick<Emulation, 'now' | 'ids'>

/**
 * Adds an uploaded file to a container, under its own id and name.
 *
 * @param world that holds the upload and the container
 * @param making clock and ids
 * @param uploadId id of the Files API; the mounted file gets it as a prefix of its name
 */
export function mountUpload(
  world: World,
  making: Making,
  container: Container,
  uploadId: string,
): StoredFile {
  const upload = world.uploads.get(uploadId)
  if (upload === undefined) throw invalidRequest(404, `No such File object: ${uploadId}`, 'id')
  const path = `/mnt/data/${upload.id}-${upload.filename}`
  return addFile(making, container, { path, source: 'user', content: upload.content })
}

/**
 * Adds a file, by default with a new id and its true size.
 *
 * @param making clock and ids
 * @param container gets the file; one with the same path is kept, as in the service
 * @param file its path, source and content
 */
export function addFile(
  { now, ids }: Making,
  container: Container,
  file: Pick<StoredFile, 'path' | 'source' | 'content'> & Partial<StoredFile>,
): StoredFile {
  const added = {
    id: ids.timed('cfile', 32, now()),
    created_at: now(),
    container_id: container.id,
    bytes: file.content.bytes,
    ...file,
  }
  container.files.set(added.id, added)
  return added
}

/** The API's representation of a container. */
function containerObject(container: Container, now: number): ContainerObject {
  const { id, created_at, minutes, last_active_at, memory_limit, name, network_policy } = container
  return {
    id,
    object: 'container',
    created_at,
    status: isExpired(container, now) ? 'expired' : 'running',
    expires_after: { anchor: 'last_active_at', minutes },
    last_active_at,
    memory_limit,
    name,
    network_policy,
  }
}

/** The API's representation of a container file. */
function containerFileObject(file: StoredFile): ContainerFileObject {
  const { id, created_at, bytes, container_id, path, source } = file
  return { id, object: 'container.file', created_at, bytes, container_id, path, source }
}

/**
 * The routes below `/containers`.
 *
 * @param emulation clock and ids
 * @see https://platform.openai.com/docs/api-reference/containers
 */
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

/**
 * Reads the settings of a new container.
 *
 * @throws Refusal 400 for an unknown field, and without a name
 */
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

/** Adds an upload, or a mounted file of the Files API, to a container. */
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

/**
 * Finds a file.
 *
 * @throws Refusal 404
 */
function findFile(container: Container, id: string): StoredFile {
  const file = container.files.get(id)
  if (file === undefined) throw fileNotFound(container.id, id)
  return file
}

/**
 * Creation, use and expiry of containers.
 *
 * @module
 */

import { containerExpired, invalidRequest, notFound } from './errors.ts'
import type { ContainerFileObject, ContainerObject } from './shapes.ts'
import type { Container, Emulation, StoredFile, World } from './world.ts'

const longestLifeSeconds = 3600

/** Azure expires a container 20 idle minutes after its last use, and one hour after its creation. */
export function isExpired(container: Container, now: number): boolean {
  const idle = now - container.last_active_at
  return idle >= container.minutes * 60 || now - container.created_at >= longestLifeSeconds
}

/**
 * Finds a container, expired or not.
 *
 * @throws Refusal 404
 */
export function findContainer(world: World, id: string): Container {
  const container = world.containers.get(id)
  if (container === undefined) throw notFound('Container', id)
  return container
}

/**
 * Finds a container that has not expired, for access to its files. Counts as use.
 *
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
 * @throws Refusal
 */
export function enterContainer(world: World, id: string, now: number): Container {
  if (isExpired(findContainer(world, id), now)) throw containerExpired()
  return useContainer(world, id, now)
}

/** Settings for a new container. */
export type ContainerSettings = Partial<
  Pick<Container, 'name' | 'minutes' | 'memory_limit' | 'network_policy'>
> & { readonly file_ids?: readonly string[] }

/** Creates a container and mounts uploaded files. */
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

/** Adds an uploaded file to a container, under its own id and name. */
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

/** Adds a file, by default with a new id and its true size. */
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
export function containerObject(container: Container, now: number): ContainerObject {
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
export function containerFileObject(file: StoredFile): ContainerFileObject {
  const { id, created_at, bytes, container_id, path, source } = file
  return { id, object: 'container.file', created_at, bytes, container_id, path, source }
}

/**
 * Creates a container at the upstream, uploads archived copies into it, and deletes it after a failure.
 *
 * @module
 */

import * as z from 'zod/mini'
import type { Container, ContainerFile } from '../../azure/operations.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import { cleanFilename } from '../../core/http/content-disposition.ts'
import { once } from '../../core/once.ts'
import { runConcurrently } from '../../core/time.ts'
import type { Caller, Gateway, Upstream } from '../gateway.ts'

const containerSchema = once(() => z.object({ id: z.string() }))

/**
 * Reads the state of a container; `undefined` if the upstream does not have it any longer.
 *
 * @param id id of the container
 * @throws CfileError the errors of the upstream with status 500 and above
 */
export function findContainer(
  upstream: Upstream,
  id: string,
  signal: AbortSignal,
): Promise<Container | undefined> {
  return upstream.client.getContainer(id, { signal }).catch((error) => {
    if (isCfileError(error) && error.status < 500) return undefined
    throw error
  })
}

/**
 * Creates a container with the name and memory limit of another, if the upstream still has these.
 *
 * @param id the other container
 * @returns the id of the new one
 * @throws CfileError `upstream_error`
 * @see https://platform.openai.com/docs/api-reference/containers/createContainers
 */
export async function createLike(
  upstream: Upstream,
  id: string,
  signal: AbortSignal,
): Promise<string> {
  const { name = 'restored by cfile', memory_limit } =
    (await findContainer(upstream, id, signal)) ?? {}
  const answer = await upstream.client.request({
    method: 'POST',
    path: '/containers',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, memory_limit: memory_limit ?? undefined }),
    signal,
  })
  const created = z.safeParse(containerSchema(), answer.ok ? await answer.json() : undefined)
  if (created.data !== undefined) return created.data.id
  throw refused('refused the new container', answer)
}

/**
 * Deletes a container. Errors are ignored, since Azure deletes it after 20 idle minutes anyway.
 *
 * @param id id of the container
 */
export async function deleteContainer(upstream: Upstream, id: string): Promise<void> {
  const answer = await upstream.client
    .request({ method: 'DELETE', path: `/containers/${id}` })
    .catch(() => undefined)
  await answer?.body?.cancel()
}

const uploadsAtATime = 4
/** The largest file that Azure takes into a container, in bytes. */
const mostUploadBytes = 512 * 1024 ** 2

/** Checks that no file is larger than Azure accepts. @throws CfileError `file_too_large` */
export function checkUploads(files: readonly ContainerFile[]): void {
  const large = files.find(({ bytes }) => (bytes ?? 0) > mostUploadBytes)
  if (large === undefined) return
  throw new CfileError(
    'file_too_large',
    `The copy of ${large.id} has ${large.bytes} bytes; Azure takes at most ${mostUploadBytes} into a container.`,
  )
}

/** Files to upload into a container. */
interface UploadTask {
  readonly upstream: Upstream
  readonly containerId: string
  readonly files: readonly ContainerFile[]
}

/**
 * Uploads copies into a container, several at a time.
 *
 * @param caller the owner of the copies
 * @throws CfileError `upstream_error` when the upstream refuses one; `file_not_found` when a copy no longer exists
 */
export async function uploadAll(
  gateway: Gateway,
  caller: Caller,
  { upstream, containerId, files }: UploadTask,
  signal: AbortSignal,
): Promise<void> {
  await runConcurrently(files, uploadsAtATime, (file) =>
    upload(gateway, caller, { upstream, containerId, file }, signal),
  )
}

/** Streams one copy into the container, under its path below `/mnt/data/`. */
async function upload(
  { archiving }: Gateway,
  { key }: Caller,
  { upstream, containerId, file }: Omit<UploadTask, 'files'> & { readonly file: ContainerFile },
  signal: AbortSignal,
): Promise<void> {
  const copy = await archiving?.archive.get(`${key}/${file.id}`, { signal })
  if (copy === undefined) throw new CfileError('file_not_found', `The copy of ${file.id} is gone.`)
  const boundary = `cfile-${file.id}`
  const name = file.path
    .replace(/^\/mnt\/data\//, '')
    .split('/')
    .map(cleanFilename)
    .join('/')
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${name.replaceAll('"', '%22')}"\r\ncontent-type: application/octet-stream\r\n\r\n`
  const answer = await upstream.client.request({
    method: 'POST',
    path: `/containers/${containerId}/files`,
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: surround(head, await copy.open({ signal }), `\r\n--${boundary}--\r\n`),
    signal,
  })
  await answer.body?.cancel()
  if (!answer.ok) throw refused(`refused the upload of ${file.id}`, answer)
}

/** Puts the head and the tail of a form around the stream of a file. */
function surround(
  head: string,
  body: ReadableStream<Uint8Array>,
  tail: string,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode(head)),
      flush: (controller) => controller.enqueue(encoder.encode(tail)),
    }),
  )
}

/** Creates the error for a step that the upstream refused. */
function refused(what: string, { status }: Response): CfileError {
  return new CfileError('upstream_error', `The upstream ${what} with status ${status}.`)
}

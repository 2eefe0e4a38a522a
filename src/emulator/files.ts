/**
 * The Files API: uploads, and files of the Assistants API. It has no container files. Content of files, here and in the
 * containers API, has the headers that Azure sends: a placeholder as file name, the real name only in `filename*`, no
 * type for pictures, neither `Accept-Ranges` nor `ETag`.
 *
 * @module
 */

import { Hono } from 'hono'
import { type Content, changed, fixed, stream } from './content.ts'
import { azureRefusal, entityNotFound, json, listPage, missingParameter, readForm } from './json.ts'
import type { FileObject } from './shapes.ts'
import type { Emulation, EmulatorContext, EmulatorEnv, Upload, World } from './world.ts'

/**
 * The routes below `/files`.
 *
 * @param emulation clock and ids
 * @see https://platform.openai.com/docs/api-reference/files
 */
export function fileRoutes({ now, ids }: Emulation): Hono<EmulatorEnv> {
  const routes = new Hono<EmulatorEnv>()
  routes.get('/', (c) => {
    const purpose = c.req.query('purpose')
    const rows = [...c.var.world.uploads.values()]
    const matching = rows.filter((row) => row.purpose === (purpose ?? row.purpose))
    return listPage(c, matching, fileObject, 10_000)
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

/**
 * Finds a file of the Files API. A container file has no entry here.
 *
 * @throws Refusal 404 as the service words it
 */
function find(world: World, id: string): Upload {
  const upload = world.uploads.get(id)
  if (upload === undefined) throw entityNotFound()
  return upload
}

/** The API's representation of a file. */
function fileObject({ id, created_at, filename, purpose, content }: Upload): FileObject {
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

const types: Readonly<Record<string, string>> = {
  txt: 'text/plain; charset=utf-8',
  md: 'text/markdown; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  html: 'text/html; charset=utf-8',
  json: 'application/json',
  pdf: 'application/pdf',
  zip: 'application/zip',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
}

const pictures = ['png', 'jpg', 'jpeg', 'gif', 'webp', 'svg']

/**
 * Answers with a file's bytes, or with a part of them if a fault enables ranges.
 *
 * @param c request, with its fault: some change the headers or the content
 * @param file id, name and content
 */
export function fileResponse(
  c: EmulatorContext,
  file: { readonly id: string; readonly name: string; readonly content: Content },
): Response {
  if (c.req.method === 'HEAD') {
    throw azureRefusal(405, '405', 'Method Not Allowed', { allow: 'GET' })
  }
  const { fault } = c.var
  const { change_content = Infinity } = fault
  const changedFrom = change_content === true ? 0 : change_content
  const content = changedFrom < Infinity ? changed(file.content, changedFrom) : file.content
  const headers = fileHeaders(file.name)
  const etag = fault.etag === true ? `"${file.id}-${changedFrom}"` : fault.etag
  if (etag) headers.set('etag', etag)
  const range = fault.range === true ? readRange(c, content.bytes, etag || undefined) : undefined
  if (fault.range === true) headers.set('accept-ranges', 'bytes')
  const { start, end } = range ?? { start: 0, end: content.bytes }
  if (start >= end && range !== undefined) {
    throw azureRefusal(416, '416', 'Range Not Satisfiable', {
      'content-range': `bytes */${content.bytes}`,
    })
  }
  if (range !== undefined)
    headers.set('content-range', `bytes ${start}-${end - 1}/${content.bytes}`)
  if (fault.no_length !== true) headers.set('content-length', String(end - start))
  return new Response(stream(content, start, end), {
    status: range === undefined ? 200 : 206,
    headers,
  })
}

function fileHeaders(name: string): Headers {
  const ending = /\.([A-Za-z0-9]{1,10})$/.exec(name)?.[1]
  const placeholder = ending === undefined ? 'file' : `file.${ending}`
  const kind = ending?.toLowerCase() ?? ''
  const headers = new Headers({
    'content-disposition': `attachment; filename="${placeholder}"; filename*=UTF-8''${encodeName(name)}`,
    'x-content-type-options': 'nosniff',
  })
  if (!pictures.includes(kind)) {
    headers.set('content-type', types[kind] ?? 'application/octet-stream')
  }
  return headers
}

/** RFC 8187: also encodes characters that encodeURIComponent leaves but attr-char excludes. */
function encodeName(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** Parses one range, `end` excluded (RFC 9110, section 14); `undefined` to send the whole file. */
function readRange(
  c: EmulatorContext,
  bytes: number,
  etag: string | undefined,
): { start: number; end: number } | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(c.req.header('range') ?? '') ?? []
  const condition = c.req.header('if-range')
  if (first + last === '' || (condition !== undefined && condition !== etag)) return undefined
  if (first === '') return { start: Math.max(0, bytes - Number(last)), end: bytes }
  return { start: Number(first), end: last === '' ? bytes : Math.min(Number(last) + 1, bytes) }
}

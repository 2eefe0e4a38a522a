/**
 * The operations on containers, files and responses that cfile uses, with checks of their answers.
 *
 * @module
 */

import * as z from 'zod/mini'
import { CfileError } from '../core/errors.ts'
import { parseJson, readWhole } from '../core/http/body.ts'
import type { Endpoint } from './endpoint.ts'
import { type RequestTarget, readUpstreamError, upstreamAnswer } from './errors.ts'
import type { Send } from './request.ts'

/** A container, with the fields that cfile uses. */
export interface Container {
  readonly id: string
  /** Known values: `running`, `expired`. */
  readonly status: string
  readonly name?: string
  readonly memory_limit?: string | null
  /** Unix seconds, as `last_active_at`. */
  readonly created_at?: number
  readonly last_active_at?: number
  /** Minutes after `last_active_at` in which it expires. */
  readonly expires_after?: { readonly minutes: number }
}

/** A file of a container. Azure sometimes sends `null` or nothing for `bytes`, and several joined paths in `path`. */
export interface ContainerFile {
  readonly id: string
  readonly path: string
  readonly bytes: number | null
  /** `assistant`, `user`. */
  readonly source: string
  /** Unix seconds; 0 if Azure does not send it. */
  readonly created_at: number
}

/** A page of a container's files, newest first. */
interface ContainerFilePage {
  readonly data: readonly ContainerFile[]
  readonly has_more: boolean
  readonly last_id: string | null
}

/** A file of the Files API. */
interface StoredFile {
  readonly id: string
  readonly filename: string
  readonly bytes: number | null
}

/** Options of every operation. */
interface CallOptions {
  readonly signal?: AbortSignal
  /** Called with the headers of the answer. */
  readonly onHeaders?: (headers: Headers) => void
}

/** Options of the operations that open a file's bytes. */
interface ContentOptions extends CallOptions {
  /** Value of a `Range` header. The upstream may ignore it. */
  readonly range?: string
}

/**
 * The operations of one upstream. Each throws a CfileError for an error answer and for an answer that does not follow
 * the API.
 */
export interface Operations {
  getContainer(containerId: string, options?: CallOptions): Promise<Container>
  getContainerFile(
    containerId: string,
    fileId: string,
    options?: CallOptions,
  ): Promise<ContainerFile>
  listContainerFiles(
    containerId: string,
    options?: CallOptions & { readonly after?: string },
  ): Promise<ContainerFilePage>
  /** Opens the bytes of a file. */
  getContainerFileContent(
    containerId: string,
    fileId: string,
    options?: ContentOptions,
  ): Promise<Response>
  /** Deletes a file. Resolves after the upstream's confirmation. */
  deleteContainerFile(containerId: string, fileId: string, options?: CallOptions): Promise<void>
  getFile(fileId: string, options?: CallOptions): Promise<StoredFile>
  /** Opens the bytes of a file. */
  getFileContent(fileId: string, options?: ContentOptions): Promise<Response>
  getResponse(responseId: string, options?: CallOptions): Promise<object>
}

// A person waits for a download, so an early error is better than a long wait for `Retry-After`.
const patienceMs = 5000

/**
 * Creates the operations on top of a function that sends requests.
 *
 * @param endpoint of the upstream; its kind decides the hints of errors
 * @param send signs and sends a request, as the client does
 * @see https://platform.openai.com/docs/api-reference/containers
 */
export function operations({ kind }: Endpoint, send: Send): Operations {
  const schemas = createSchemas()
  const target = (what: RequestTarget['what']): RequestTarget => ({ what, endpointKind: kind })
  const read = async <T>(
    what: RequestTarget['what'],
    schema: z.ZodMiniType<T>,
    request: { readonly path: string; readonly query?: string },
    { signal, onHeaders }: CallOptions = {},
  ): Promise<T> => {
    const headers = { accept: 'application/json' }
    const answer = await send({ method: 'GET', ...request, signal, headers })
    onHeaders?.(answer.headers)
    return readJson(answer, target(what), schema)
  }
  const open = async (
    what: RequestTarget['what'],
    path: string,
    { signal, range }: ContentOptions = {},
  ): Promise<Response> => {
    const headers = { accept: '*/*', ...(range === undefined ? {} : { range }) }
    const request = { method: 'GET', path: `${path}/content`, signal, patienceMs, headers }
    return readContent(await send(request), target(what))
  }
  return {
    getContainer: (containerId, options) =>
      read('container', schemas.container, { path: containerPath(containerId) }, options),
    getContainerFile: (containerId, fileId, options) => {
      const path = containerFilePath(containerId, fileId)
      return read('container_file', schemas.containerFile, { path }, options)
    },
    listContainerFiles: (containerId, { after, ...options } = {}) => {
      const query = `limit=100&order=desc${after === undefined ? '' : `&after=${encodeURIComponent(after)}`}`
      const request = { path: `${containerPath(containerId)}/files`, query }
      return read('container', schemas.page, request, options)
    },
    getContainerFileContent: (containerId, fileId, options) =>
      open('container_file', containerFilePath(containerId, fileId), options),
    deleteContainerFile: async (containerId, fileId, options) => {
      const path = containerFilePath(containerId, fileId)
      const answer = await send({ method: 'DELETE', path, signal: options?.signal })
      if (!answer.ok) throw await readUpstreamError(answer, target('container_file'))
      await answer.body?.cancel()
    },
    getFile: (fileId, options) =>
      read('file', schemas.storedFile, { path: filePath(fileId) }, options),
    getFileContent: (fileId, options) => open('file', filePath(fileId), options),
    getResponse: (responseId, options) => {
      const path = `/responses/${encodeURIComponent(responseId)}`
      return read('response', schemas.response, { path }, options)
    },
  }
}

function containerPath(containerId: string): string {
  return `/containers/${encodeURIComponent(containerId)}`
}

function containerFilePath(containerId: string, fileId: string): string {
  return containerPath(containerId) + filePath(fileId)
}

function filePath(fileId: string): string {
  return `/files/${encodeURIComponent(fileId)}`
}

const mostJsonBytes = 64 * 1024 ** 2

/**
 * Reads a JSON answer.
 *
 * @throws CfileError the upstream's error; `upstream_invalid` for an answer that the schema refuses
 */
async function readJson<T>(
  answer: Response,
  target: RequestTarget,
  schema: z.ZodMiniType<T>,
): Promise<T> {
  if (!answer.ok) throw await readUpstreamError(answer, target)
  const whole = await readWhole(answer.body, mostJsonBytes)
  const value = whole === undefined ? undefined : parseJson(whole)
  const { success, data } = z.safeParse(schema, value)
  if (success) return data
  throw invalidAnswer(answer)
}

/**
 * Checks the answer with a file's bytes. JSON errors with status 200 pass, because a file may contain anything. An HTML
 * page without a file name is refused.
 */
async function readContent(answer: Response, target: RequestTarget): Promise<Response> {
  if (!answer.ok) throw await readUpstreamError(answer, target)
  const { status, headers } = answer
  const coding = headers.get('content-encoding')
  if (coding !== null) {
    await answer.body?.cancel()
    throw unknownCoding(answer, coding)
  }
  const isPage = /^text\/html\b/i.test(headers.get('content-type') ?? '')
  if ((status === 200 || status === 206) && !(isPage && !headers.has('content-disposition'))) {
    return answer
  }
  await answer.body?.cancel()
  throw invalidAnswer(answer)
}

function unknownCoding(answer: Response, coding: string): CfileError {
  return new CfileError(
    'upstream_invalid',
    `The upstream sent the file in the content coding ${coding.slice(0, 64)}, although cfile asked for none.`,
    {
      hint: 'Configure the CDN or API Management between cfile and Azure to leave bodies unchanged.',
      upstream: upstreamAnswer(answer),
    },
  )
}

function invalidAnswer(answer: Response): CfileError {
  return new CfileError('upstream_invalid', "The upstream's answer does not follow its API.", {
    hint: 'Check that AZURE_OPENAI_ENDPOINT is the resource itself and not a portal or a sign-in page in front of it.',
    upstream: upstreamAnswer(answer),
  })
}

/** An optional field: `otherwise` replaces a value that the schema refuses. `z.catch` would add 3 KB to a Worker. */
function lenient<T, U>(schema: z.ZodMiniType<T>, otherwise: U): z.ZodMiniType<T | U> {
  const read = (value: unknown): T | U => z.safeParse(schema, value).data ?? otherwise
  // Without `optional` an absent field would be refused.
  return z.pipe(z.optional(z.unknown()), z.transform(read))
}

const isSeconds = (value: number): boolean => Number.isSafeInteger(value) && value > 0
const isSize = (size: number): boolean => Number.isSafeInteger(size) && size >= 0

/**
 * Creates the schemas of the answers when a client is created, so that an import makes none of them. Unknown fields are
 * dropped, except those of a response.
 */
function createSchemas() {
  const seconds = lenient(z.number().check(z.refine(isSeconds)), undefined)
  const container: z.ZodMiniType<Container> = z.object({
    id: z.string(),
    status: z.string(),
    name: lenient(z.string(), undefined),
    memory_limit: lenient(z.string(), undefined),
    created_at: seconds,
    last_active_at: seconds,
    expires_after: lenient(z.object({ minutes: z.number() }), undefined),
  })
  const bytes = z.pipe(
    z.nullish(z.number().check(z.refine(isSize))),
    z.transform((size) => size ?? null),
  )
  const fields = {
    id: z.string(),
    path: z.string(),
    // Inputs have the source `user`. A file without a source is listed, because it may be output.
    source: lenient(z.string(), 'assistant'),
    created_at: lenient(z.number(), 0),
  }
  const containerFile: z.ZodMiniType<ContainerFile> = z.object({ ...fields, bytes })
  // In a list, an invalid size must not hide the file.
  const row = z.object({ ...fields, bytes: lenient(bytes, null) })
  const page: z.ZodMiniType<ContainerFilePage> = z.object({
    data: z.pipe(
      z.array(z.unknown()),
      z.transform((rows) => rows.flatMap((one) => z.safeParse(row, one).data ?? [])),
    ),
    has_more: lenient(z.boolean(), false),
    last_id: lenient(z.nullable(z.string()), null),
  })
  const storedFile: z.ZodMiniType<StoredFile> = z.object({
    id: z.string(),
    filename: z.string(),
    bytes,
  })
  return { container, containerFile, page, storedFile, response: z.looseObject({ id: z.string() }) }
}

/**
 * The queries and bodies that cfile's own routes accept. `/openapi.json` is made from the same schemas.
 *
 * @module
 */

import * as z from 'zod/mini'
import { isId, parseContainerId, parseFileId } from '../core/ids.ts'
import { once } from '../core/once.ts'

/** The schema of an object. The message of a field says what the field takes. */
export type Fields<T> = z.ZodMiniType<T> & { readonly shape: Readonly<Record<string, unknown>> }

const text = () => z.string('a string')
const containerId = () => z.pipe(text(), z.transform(parseContainerId))
const fileId = () => z.pipe(text(), z.transform(parseFileId))
const disposition = (takes: string) => z.optional(z.enum(['attachment', 'inline'], takes))

/** The query of `GET /files/{file_id}` and of the Files API for container files. */
export interface FileQuery {
  readonly container_id?: string
  readonly disposition?: 'attachment' | 'inline'
}

/** The schema of {@link FileQuery}. */
export const fileQuery: () => Fields<FileQuery> = once(() =>
  z.object({
    container_id: z.optional(containerId()),
    disposition: disposition('attachment or inline'),
  }),
)

/** The query of a file whose container the path names. */
export const dispositionQuery: () => Fields<Pick<FileQuery, 'disposition'>> = once(() =>
  z.object({
    disposition: disposition('attachment or inline'),
  }),
)

/** The query of `GET /containers/{container_id}/files`. */
interface ListQuery {
  readonly all?: '0' | '1'
}

/** The schema of {@link ListQuery}. */
export const listQuery: () => Fields<ListQuery> = once(() =>
  z.object({ all: z.optional(z.enum(['0', '1'], '1')) }),
)

/** The query of the routes that erase. */
interface EraseQuery {
  readonly upstream?: '1'
}

/** The schema of {@link EraseQuery}. Other values are refused, since ignoring them would leave the files at Azure. */
export const eraseQuery: () => Fields<EraseQuery> = once(() =>
  z.object({
    upstream: z.optional(z.enum(['1'], '1')),
  }),
)

// Seconds. Limited, since a single link cannot be revoked.
const longest = 365 * 86_400
const wholeSeconds = `a whole number of seconds, 1 to ${longest}`
const expiresIn = () =>
  z.optional(
    z
      .number(wholeSeconds)
      .check(z.multipleOf(1, wholeSeconds), z.gte(1, wholeSeconds), z.lte(longest, wholeSeconds)),
  )

/** The body of `POST /links` for a file. */
interface FileLinkBody {
  readonly file_id: ReturnType<typeof parseFileId>
  readonly container_id?: string
  /** Seconds. */
  readonly expires_in?: number
  readonly disposition?: 'attachment' | 'inline'
  readonly filename?: string
}

/** The schema of {@link FileLinkBody}. */
export const fileLinkBody: () => Fields<FileLinkBody> = once(() =>
  z.object({
    file_id: fileId(),
    container_id: z.optional(containerId()),
    expires_in: expiresIn(),
    disposition: disposition('"attachment" or "inline"'),
    filename: z.optional(text()),
  }),
)

/** The body of `POST /links` for a container. */
interface ContainerLinkBody {
  readonly container_id: string
  readonly kind: 'page' | 'zip'
  /** Seconds. */
  readonly expires_in?: number
}

/** The schema of {@link ContainerLinkBody}. */
export const containerLinkBody: () => Fields<ContainerLinkBody> = once(() =>
  z.object({
    container_id: containerId(),
    kind: z.enum(['page', 'zip'], '"page" or "zip"'),
    expires_in: expiresIn(),
  }),
)

/** The body of a route that has no options. */
export const emptyBody: () => Fields<object> = once(() => z.object({}))

/** The body of `POST /captures` that names a response by its id. */
interface ResponseIdBody {
  readonly response_id: string
}

/** The schema of {@link ResponseIdBody}. */
export const responseIdBody: () => z.ZodMiniType<ResponseIdBody> = once(() =>
  z.object({
    response_id: z.string().check(z.refine(isId)),
  }),
)

/** An event of Azure's webhooks. */
export interface WebhookEvent {
  readonly type: string
  readonly data?: { readonly id?: string }
}

/** The schema of {@link WebhookEvent}. */
export const webhookEvent: () => z.ZodMiniType<WebhookEvent> = once(() =>
  z.object({
    type: z.string(),
    data: z.optional(z.object({ id: z.optional(z.string()) })),
  }),
)

/**
 * The bodies of answers, for the OpenAPI document that `scripts/openapi.ts` writes.
 *
 * @module
 */

import * as z from 'zod/mini'
import { type ErrorCode, errorStatuses } from '../src/core/errors.ts'
import type { Route } from './routes.ts'

/** A part of the document. */
export type Json = Readonly<Record<string, unknown>>

const text = z.string()
const unixSeconds = z.int()
const link = { download_url: text, expires_at: unixSeconds }
const capturedFile = z.object({
  container_id: text,
  file_id: text,
  filename: z.optional(text),
  ...link,
})
const listedFile = z.object({
  container_id: text,
  file_id: text,
  filename: text,
  path: text,
  bytes: z.nullable(z.int()),
  created_at: unixSeconds,
  source: text,
  ...link,
  archived: z.boolean(),
})
const deletion = z.object({
  id: z.optional(text),
  object: z.optional(text),
  deleted: z.optional(z.boolean()),
  failed: z.optional(z.array(text)),
})

/** Bodies of answers, by their names in the document. */
export const answers = {
  CapturedFiles: z.object({ files: z.array(capturedFile) }),
  ContainerFiles: z.object({
    files: z.array(listedFile),
    expires_at: z.optional(unixSeconds),
    expires_soon: z.optional(z.boolean()),
  }),
  Link: z.object(link),
  Deletion: deletion,
  Restored: z.object({ container_id: text, files: z.array(z.unknown()) }),
  FileObject: z.looseObject({ id: text, object: z.literal('file'), bytes: z.nullable(z.int()) }),
  Error: z.object({
    error: z.object({
      message: text,
      type: text,
      param: z.nullable(text),
      code: z.enum(Object.keys(errorStatuses) as [ErrorCode, ...ErrorCode[]]),
      hint: z.optional(text),
      request_id: text,
      upstream: z.optional(
        z.object({ status: z.int(), code: z.nullable(text), request_id: z.nullable(text) }),
      ),
    }),
  }),
}

/** The content of an answer with one of these bodies. */
export const reference = (name: keyof typeof answers): Json => ({
  'application/json': { schema: { $ref: `#/components/schemas/${name}` } },
})
const anyJson: Json = { 'application/json': { schema: { type: 'object' } } }
const binary: Json = { schema: { type: 'string', format: 'binary' } }

/** Returns the content of a successful answer. */
export function contentOf({ method, path, answer }: Route): Json {
  if (answer === 'file') return { '*/*': binary }
  if (answer === 'zip') return { 'application/zip': binary }
  if (answer === 'page') return { 'text/html': { schema: { type: 'string' } } }
  if (answer === 'text') return { 'text/plain': { schema: { type: 'string' } } }
  if (answer === 'link') return reference('Link')
  if (answer === 'files') return reference(method === 'GET' ? 'ContainerFiles' : 'CapturedFiles')
  if (method === 'DELETE') return reference('Deletion')
  if (path.endsWith('/restore')) return reference('Restored')
  return path.startsWith('/openai/v1/files/') ? reference('FileObject') : anyJson
}
